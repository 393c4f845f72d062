#include "io/plot.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <locale>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sounder {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

using Points = std::vector<std::pair<double, double>>;

Chart chart_of(std::vector<Series> series, Scale x = Scale::kLinear, Scale y = Scale::kLinear) {
  return {"title", "note", {"across", x}, {"up", y}, std::move(series)};
}

std::string svg_of(const Chart& chart) {
  return to_svg({&chart, 1});
}

// The first group of every match.
std::vector<std::string> find_all(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  std::vector<std::string> found;
  for (std::sregex_iterator match(text.begin(), text.end(), regex), end; match != end; ++match) {
    found.push_back((*match)[1]);
  }
  return found;
}

std::vector<double> find_numbers(const std::string& text, const std::string& pattern) {
  std::vector<double> numbers;
  for (const std::string& number : find_all(text, pattern)) numbers.push_back(std::stod(number));
  return numbers;
}

std::size_t count(const std::string& text, const std::string& pattern) {
  return find_all(text, pattern).size();
}

// What is wrong with `text` as an XML document of elements, attributes in single quotes and text; "" if
// nothing.
std::string flaw_of(std::string text) {
  static const std::regex kEntity("&(amp|lt|gt);");
  static const std::regex kTag("<(/?)([a-z]+)((?: +[a-zA-Z0-9-]+='[^'<&]*')*) *(/?)>");
  text = std::regex_replace(text, kEntity, "");
  std::vector<std::string> open;
  for (std::smatch tag; std::regex_search(text, tag, kTag); text = tag.suffix()) {
    const std::string between = tag.prefix();
    if (between.find_first_of("<>&") != between.npos) return "markup in " + between;
    if (open.empty() && between.find_first_not_of('\n') != between.npos) return "text outside " + between;
    if (tag[1].length() == 0) open.push_back(tag[2]);
    if (tag[1].length() + tag[4].length() == 0) continue;
    if (open.empty() || open.back() != tag[2]) return "end of " + tag[2].str();
    open.pop_back();
  }
  if (text != "\n") return "rest " + text;
  return open.empty() ? "" : "no end of " + open.back();
}

// The labels of an axis, "x" or "y", with blanks between, "^" before an exponent and "-" for the minus sign.
std::string labels_of(const std::string& svg, const std::string& axis) {
  std::string group = svg.substr(svg.find("<g class='" + axis));
  group = group.substr(0, group.find("</g>"));
  std::string labels;
  for (const std::string& label : find_all(group, "<text[^>]*>(.*)</text>")) {
    labels += (labels.empty() ? "" : " ") + label;
  }
  labels = std::regex_replace(labels, std::regex("<tspan[^>]*>"), "^");
  labels = std::regex_replace(labels, std::regex("</tspan>"), "");
  labels = std::regex_replace(labels, std::regex("\u00d7"), "*");
  return std::regex_replace(labels, std::regex("\u2212"), "-");
}

std::vector<std::string> strokes_of(const std::string& svg) {
  return find_all(svg, "<path d='([^']*)' fill='none'");
}

TEST_CASE("plot: the checker of these tests finds flaws") {
  CHECK(flaw_of("<a b='c'>x &lt; y<d/></a>\n") == "");
  for (const char* text : {"", "<a>\n", "<a></b>\n", "</a>\n", "<a>&</a>\n", "<a><</a>\n", "<a b=c/>\n",
                           "<a b='&'/>\n", "<a/>x\n", "x<a/>\n", "<a><b></a></b>\n"}) {
    CAPTURE(text);
    CHECK(flaw_of(text) != "");
  }
}

// Whether all numbers after `pattern` are less than the first one after `limit`.
bool all_within(const std::string& svg, const std::string& pattern, const std::string& limit) {
  const double end = find_numbers(svg, limit + "([0-9]+)'").front();
  const std::vector<double> numbers = find_numbers(svg, pattern + "([0-9.e+-]+)");
  return std::ranges::all_of(numbers, [end](double number) { return number > 0 && number < end; });
}

struct Case {
  std::string name;
  std::vector<Series> series;
};

const std::vector<Case>& edge_cases() {
  static const std::vector<Case> kCases = {
      {"no series", {}},
      {"an empty series", {{"a", {}}}},
      {"no point to draw", {{"a", {{kNan, 1}, {1, kInfinity}, {-kInfinity, 1}, {1e301, 1}}}}},
      {"one point", {{"a", {{4, 7}}}}},
      {"the origin", {{"a", {{0, 0}}}}},
      {"equal values", {{"a", {{4, 7}, {4, 7}, {4, 7}}}}},
      {"huge", {{"a", {{1e300, 1e300}, {1e299, 1e299}}}}},
      {"tiny", {{"a", {{1e-300, 1e-300}, {3e-300, 7e-300}}}}},
      {"less than tiny", {{"a", {{5e-324, 0}, {0, 5e-324}}}}},
      {"both", {{"a", {{1e-300, 1e300}, {1e300, 1e-300}, {-1e300, -1e300}}}}},
      {"negative", {{"a", {{-5, -1e-9}, {-2, -3e-9}}}}},
      {"almost equal", {{"a", {{1, 1e9}, {1 + 1e-15, 1e9 + 1e-6}}}}},
      {"narrow", {{"a", {{123456, 1}, {123457, 1.00001}}}}},
      {"gaps", {{"a", {{1, 1}, {2, kNan}, {3, 3}, {4, 4}, {kNan, 5}}}, {"b", {{0, -1}, {1, 0.5}}}}},
      {"dots", {{"a", {{1, 2}, {2, 3}, {2, 3}}}}},
  };
  return kCases;
}

TEST_CASE("plot: whatever the points, the document is well-formed and everything is on the page") {
  for (const auto& [name, series] : edge_cases()) {
    for (const Scale x : {Scale::kLinear, Scale::kLog}) {
      for (const Scale y : {Scale::kLinear, Scale::kLog}) {
        CAPTURE(name);
        CAPTURE(static_cast<int>(x));
        CAPTURE(static_cast<int>(y));
        const std::string svg = svg_of(chart_of(series, x, y));
        CHECK(flaw_of(svg) == "");
        CHECK(count(svg, "(nan|inf|[0-9]e[+-]|script|href)") == 0);
        CHECK(all_within(svg, " x[12]?='", " width='"));
        CHECK(all_within(svg, "[ML]", " width='"));
        CHECK(all_within(svg, " y[12]?='", " height='"));
        CHECK(all_within(svg, "[ML][^ ]* ", " height='"));
      }
    }
  }
}

TEST_CASE("plot: the picture says so when there is nothing to draw") {
  CHECK(svg_of(chart_of({{"a", {{1, kNan}}}})).find("no data") != std::string::npos);
  CHECK(svg_of(chart_of({{"a", {{0, 1}}}}, Scale::kLog)).find("no data") != std::string::npos);
  CHECK(svg_of(chart_of({{"a", {{0, 1}}}})).find("no data") == std::string::npos);
}

TEST_CASE("plot: texts are escaped") {
  const struct {
    std::string text;
    std::string shown;
  } cases[] = {
      {"a < b && c > 'd' \"e\"", "a &lt; b &amp;&amp; c &gt; 'd' \"e\""},
      {"\u03bb = \u00bd, \u2016w\u2016\u00b2 \U0001f600", "\u03bb = \u00bd, \u2016w\u2016\u00b2 \U0001f600"},
      {std::string("nul \0 bell \a tab \t", 18), "nul \uFFFD bell \uFFFD tab \t"},
      {"latin1 \xe9t\xe9, cut \xe2\x88", "latin1 \uFFFDt\uFFFD, cut \uFFFD\uFFFD"},
      {"long \xc0\xaf surrogate \xed\xa0\x80", "long \uFFFD\uFFFD surrogate \uFFFD\uFFFD\uFFFD"},
      {"beyond \xf4\x90\x80\x80 five \xf8\x90\x80\x80 none \xef\xbf\xbf",
       "beyond \uFFFD\uFFFD\uFFFD\uFFFD five \uFFFD\uFFFD\uFFFD\uFFFD none \uFFFD\uFFFD\uFFFD"},
  };
  for (const auto& [text, shown] : cases) {
    CAPTURE(text);
    const std::string svg = svg_of({text, text, {text}, {text}, {{text, {{1, 2}}}}});
    CHECK(flaw_of(svg) == "");
    const auto texts = find_all(svg, "<text[^>]*>([^<]*)</text>");
    CHECK(std::ranges::count(texts, shown) == 5);
  }
}

TEST_CASE("plot: ticks of a linear axis are 1-2-5 steps") {
  const struct {
    double low, high;
    std::string labels;
  } cases[] = {
      {0, 1, "0 0.2 0.4 0.6 0.8 1.0"},
      {0, 10, "0 2 4 6 8 10"},
      {1, 16, "0 5 10 15"},
      {7, 8, "7.0 7.2 7.4 7.6 7.8 8.0"},
      {-3, 4, "-2 0 2 4"},
      {-0.25, -0.2, "-0.25 -0.24 -0.23 -0.22 -0.21 -0.20"},
      {-9, -1, "-8 -6 -4 -2 0"},
      {5, 5, "4.0 4.5 5.0 5.5 6.0"},
      {0, 0, "-1.0 -0.5 0 0.5 1.0"},
      {0, 300000, "0 100000 200000 300000"},
      {0, 3e7, "0 1*10^7 2*10^7 3*10^7"},
      {0, 2.5e-7, "0 0.5*10^-7 1.0*10^-7 1.5*10^-7 2.0*10^-7 2.5*10^-7"},
      {-1e300, 1e300, "-1.0*10^300 -0.5*10^300 0 0.5*10^300 1.0*10^300"},
      {2e-300, 6e-300, "2*10^-300 3*10^-300 4*10^-300 5*10^-300 6*10^-300"},
  };
  for (const auto& [low, high, labels] : cases) {
    CAPTURE(low);
    CAPTURE(high);
    CHECK(labels_of(svg_of(chart_of({{"a", {{0, low}, {1, high}}}})), "y") == labels);
  }
}

TEST_CASE("plot: ticks of a logarithmic axis are decades, or 1-2-5 steps of few") {
  const struct {
    double low, high;
    std::string labels;
  } cases[] = {
      {1, 1000, "1 10 100 1000"},
      {0.001, 1, "0.001 0.01 0.1 1"},
      {1e-6, 0.5, "10^-6 10^-5 10^-4 10^-3 10^-2 10^-1"},
      {1e-12, 1, "10^-12 10^-10 10^-8 10^-6 10^-4 10^-2 10^0"},
      {1e-300, 1e300, "10^-300 10^-200 10^-100 10^0 10^100 10^200 10^300"},
      {1, 16, "1 2 5 10"},
      {0.2, 7, "0.2 0.5 1 2 5"},
      {2e-7, 7e-6, "2*10^-7 5*10^-7 10^-6 2*10^-6 5*10^-6"},
      {0.31, 0.34, "0.31 0.32 0.33 0.34"},
      {3, 3, "2.0 2.5 3.0 3.5 4.0 4.5"},
  };
  for (const auto& [low, high, labels] : cases) {
    CAPTURE(low);
    CAPTURE(high);
    const Chart chart = chart_of({{"a", {{0, low}, {1, high}}}}, Scale::kLinear, Scale::kLog);
    CHECK(labels_of(svg_of(chart), "y") == labels);
  }
}

TEST_CASE("plot: a few short x values are the ticks") {
  const struct {
    std::vector<double> values;
    Scale scale;
    std::string labels;
  } cases[] = {
      {{1, 2, 4, 8}, Scale::kLog, "1 2 4 8"},
      {{8, 1, 3, 1, 24}, Scale::kLog, "1 3 8 24"},
      {{1, 2, 3, 4, 6, 8, 12, 16}, Scale::kLog, "1 2 3 4 6 8 12 16"},
      {{16}, Scale::kLog, "16"},
      {{-1.5, 0, 3}, Scale::kLinear, "-1.5 0 3"},
      {{1, 2, 4, 8, 16, 32, 64}, Scale::kLinear, "0 20 40 60"},
      {{0.123456, 1, 2}, Scale::kLinear, "0 0.5 1.0 1.5 2.0"},
      {{1e-5, 1e-3, 1e-1}, Scale::kLog, "10^-5 10^-4 10^-3 10^-2 10^-1"},
  };
  for (const auto& [values, scale, labels] : cases) {
    CAPTURE(labels);
    Series series{"a", {}};
    for (const double value : values) series.points.emplace_back(value, 1);
    CHECK(labels_of(svg_of(chart_of({series}, scale)), "x") == labels);
  }
}

TEST_CASE("plot: long labels of the x axis do not overlap") {
  const std::string svg = svg_of(chart_of({{"a", {{1e12, 0}, {1e12 + 1.1e6, 1}}}}));
  const std::vector<double> at = find_numbers(svg, "<text x='([0-9.]*)' y='[0-9.]*'>1\\.0000");
  REQUIRE(at.size() >= 3);
  for (std::size_t i = 1; i < at.size(); ++i) CHECK(at[i] - at[i - 1] > 80);
}

TEST_CASE("plot: a logarithmic axis has minor ticks between decades while there is room") {
  const auto minor_ticks = [](Scale scale, double high) {
    const std::string svg = svg_of(chart_of({{"a", {{0, 1}, {1, high}}}}, Scale::kLinear, scale));
    std::size_t minor = 0;
    for (const std::string& line : find_all(svg, "(<line [^>]*)")) {
      const double x1 = find_numbers(line, "x1='([^']*)").front();
      const double x2 = find_numbers(line, "x2='([^']*)").front();
      minor += std::abs(x2 - x1 - 3) < 0.01;
    }
    return minor;
  };
  CHECK(minor_ticks(Scale::kLinear, 1e3) == 0);
  CHECK(minor_ticks(Scale::kLog, 1e3) == 8 * 3 + 2);  // 0.8 and 0.9 are in the margin
  CHECK(minor_ticks(Scale::kLog, 1e12) == 6);         // every other decade
  CHECK(minor_ticks(Scale::kLog, 1e300) == 0);
}

TEST_CASE("plot: a line is broken where a point cannot be drawn") {
  const Points points = {{1, 1}, {2, 2}, {3, kNan}, {4, 4}, {5, kInfinity}, {6, 0}, {7, 7}, {8, 8}};
  const Chart linear = chart_of({{"", points}});
  const Chart log = chart_of({{"", points}}, Scale::kLinear, Scale::kLog);
  REQUIRE(strokes_of(svg_of(linear)).size() == 1);
  CHECK(count(strokes_of(svg_of(linear)).front(), "(M)") == 3);
  CHECK(count(strokes_of(svg_of(linear)).front(), "(L)") == 3);
  CHECK(count(strokes_of(svg_of(log)).front(), "(M)") == 3);
  CHECK(count(strokes_of(svg_of(log)).front(), "(L)") == 2);
}

TEST_CASE("plot: points lie where the ticks say") {
  const std::string svg = svg_of(chart_of({{"", {{1, 10}, {2, 100}, {4, 1000}}}}, Scale::kLog, Scale::kLog));
  const std::string path = strokes_of(svg).front();
  const auto ticks_x = find_numbers(svg, "<text x='([0-9.]*)' y='[0-9.]*'>[124]</text>");
  const auto ticks_y = find_numbers(svg, "<text x='[0-9.]*' y='([0-9.]*)'>10+</text>");
  const auto xs = find_numbers(path, "[ML]([0-9.]*)");
  const auto ys = find_numbers(path, "[ML][0-9.]* ([0-9.]*)");
  CHECK(xs == ticks_x);
  CHECK(xs.back() - xs.front() > 400);
  CHECK(ys.front() - ys.back() > 250);  // upwards is less
  REQUIRE(ys.size() == 3);
  REQUIRE(ticks_y.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(std::abs(ticks_y[i] - 4.2 - ys[i]) < 0.02);
}

TEST_CASE("plot: dashes are as asked for") {
  const Points points = {{1, 1}, {2, 2}, {3, 1}};
  const auto drawing = [&](bool dashed) { return svg_of(chart_of({{"", points, dashed}})); };
  CHECK(count(drawing(false), "(<path )") == 2);
  CHECK(count(drawing(false), "(<path d='M[^']*M[^']*M[^']*z' fill='#)") == 1);
  CHECK(count(drawing(false), "(stroke-dasharray='none')") == 1);
  CHECK(count(drawing(true), "(stroke-dasharray='[0-9 ]+')") == 1);
}

TEST_CASE("plot: markers that would touch are left out of a line") {
  Series series{"", {}};
  for (int i = 0; i <= 1000; ++i) series.points.emplace_back(i, 1);
  const auto markers = [&] { return count(svg_of(chart_of({series})), "(a3\\.6 3\\.6 0 1 0 7\\.2)"); };
  CHECK(markers() > 30);
  CHECK(markers() < 50);
}

TEST_CASE("plot: twelve series look different, and their successors have another dash") {
  std::vector<Series> series;
  for (int i = 0; i < 14; ++i) series.push_back({std::to_string(i), {{1, i}, {2, i}}});
  std::string svg = svg_of(chart_of(series));
  const auto looks = find_all(svg, "fill='none' (stroke='[^']*' stroke-width='2' stroke-dasharray='[^']*')");
  CHECK(std::set(looks.begin(), looks.end()).size() == 14);
  const auto shapes = find_all(svg, "<path d='M[0-9.]* [0-9.]*(m[^M]*z' fill='#[^']*)'");
  CHECK(std::set(shapes.begin(), shapes.end()).size() == 14);
}

TEST_CASE("plot: series of one name share their colour and their entry in the legend") {
  const Points points = {{1, 1}, {2, 2}};
  const std::string svg = svg_of(chart_of({{"a", points}, {"b", points}, {"a", points, true}, {"", points}}));
  const auto colours = find_all(svg, "fill='none' stroke='([^']*)'");
  REQUIRE(colours.size() == 6);  // a, its entry, b, its entry, a, the one without a name
  CHECK(colours[0] == colours[4]);
  CHECK(colours[0] != colours[2]);
  CHECK(count(svg, "(>a</text>)") == 1);
}

TEST_CASE("plot: the legend is on the page, to the right of all lines") {
  std::vector<Series> series(40, {"", {{0, 0}, {1, 1}}});
  for (std::size_t i = 0; i < series.size(); ++i) series[i].name = "entry " + std::to_string(i);
  const std::string svg = svg_of(chart_of(series));
  const auto entries = find_numbers(svg, "<text x='([0-9.]*)'[^>]*>entry");
  const auto lines = find_numbers(svg, "L([0-9.]*)");
  REQUIRE(entries.size() == 40);
  CHECK(std::ranges::min(entries) > std::ranges::max(lines));
  CHECK(find_numbers(svg, "y='([0-9.]*)'[^>]*>entry 39").front() <
        find_numbers(svg, "height='([0-9]*)'").front());
}

TEST_CASE("plot: charts are one under the other on white") {
  const Chart chart = chart_of({{"a", {{1, 1}, {2, 2}}}});
  const std::vector<Chart> charts(3, chart);
  const std::string svg = to_svg(charts);
  const auto titles = find_numbers(svg, "y='([0-9.]*)'[^>]*>title");
  REQUIRE(titles.size() == 3);
  CHECK(titles[2] - titles[1] == doctest::Approx(titles[1] - titles[0]));
  CHECK(titles[1] - titles[0] > 300);
  CHECK(svg.find("<rect width='100%' height='100%' fill='white'/>") != svg.npos);
  CHECK(flaw_of(svg) == "");
  CHECK(flaw_of(to_svg({})) == "");
}

TEST_CASE("plot: the same charts give the same bytes in every locale") {
  struct Comma : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };
  const Chart chart = chart_of({{"a", {{0.5, 1000}, {2.25, 200000}}}});
  const std::string before = svg_of(chart);
  const std::locale old = std::locale::global(std::locale(std::locale(), new Comma));
  const std::string after = svg_of(chart);
  std::locale::global(old);
  CHECK(before == after);
}

}  // namespace
}  // namespace sounder
