#include "io/ratings.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <iterator>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/error.h"
#include "io/ids.h"
#include "test/support.h"

using namespace sounder;
using namespace sounder::test;

namespace {

using Names = std::vector<std::string>;

RatingsFile parse(std::string_view text, const RatingsOptions& options = {}) {
  return parse_ratings(text, "f.csv", options);
}

std::string error_of(std::string_view text, const RatingsOptions& options = {}) {
  return input_error_of([&] { parse(text, options); });
}

// The same of who needs ratings.
std::string error_or_unrated(std::string_view text) {
  return input_error_of([&] {
    if (const RatingsFile file = parse(text); file.unrated) throw InputError(*file.unrated);
  });
}

struct Case {
  const char* text;
  const char* expected;  // of shown()
};

struct Message {
  const char* text;
  std::string message;
};

// The ratings as "user item rating; ", with ? for what is unknown.
std::string shown(const RatingsFile& file) {
  const auto users = static_cast<Coordinate>(file.users.size());
  std::string text;
  for (std::size_t i = 0; i < file.data.rows(); ++i) {
    std::string_view user = "?";
    std::string_view item = "?";
    for (const Coordinate c : file.data.row(i).support)
      (c < users ? user : item) = c < users ? file.users.name(c) : file.items.name(c - users);
    text += fmt::format("{} {} {}; ", user, item, file.data.row(i).label);
  }
  return text;
}

// Some megabytes: names of all lengths, which come again, and ratings 0, 1, ... 4 in turn.
std::string many_ratings() {
  std::mt19937 random(7);
  std::string text;
  for (int i = 0; i < 100'000; ++i)
    text += fmt::format("{}{},film {},{}\n", std::string(random() % 9, 'u'), random() % 3000, random() % 70,
                        i % 5);
  return text;
}

// The fields of text like that.
std::vector<std::array<std::string, 3>> lines_of(const std::string& text) {
  std::vector<std::array<std::string, 3>> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    std::istringstream fields(line);
    for (std::string& field : lines.emplace_back()) std::getline(fields, field, ',');
  }
  return lines;
}

}  // namespace

TEST_CASE("ratings: a row has the user, the item behind all users, and the rating as its label") {
  const RatingsFile file = parse("8 20 5\n9 20 -0.5\n8 30 1e1\n");
  CHECK(file.users.names() == Names{"8", "9"});
  CHECK(file.items.names() == Names{"20", "30"});
  CHECK(file.data.dimension() == 4);
  CHECK(std::ranges::equal(file.data.offsets(), std::vector<std::uint64_t>{0, 2, 4, 6}));
  CHECK(std::ranges::equal(file.data.indices(), std::vector<Coordinate>{0, 2, 1, 2, 0, 3}));
  CHECK(std::ranges::equal(file.data.values(), std::vector<float>(6, 1)));
  CHECK(std::ranges::equal(file.data.labels(), std::vector{5.0F, -0.5F, 10.0F}));
  CHECK(!file.data.weighted());
  CHECK(!file.header);
}

TEST_CASE("ratings: knows the line of each row, and the first that as a class would be another") {
  const RatingsFile file = parse("\nuser,item,rating\n\na,b,1\n\nc,d,2\r\ne,f,\"20000001\"\ng,h,20000003\n");
  for (const auto& [row, line] : {std::pair(0, 4), {1, 6}, {2, 7}, {3, 8}, {4, 0}})
    CHECK(file.origins.lines.line_of(static_cast<std::size_t>(row)) == static_cast<std::size_t>(line));
  REQUIRE(file.origins.rounded_class);
  CHECK(std::string(file.origins.rounded_class->what()).starts_with("f.csv:7:5: found the class"));
  CHECK(!parse("a b 1\nc d 20000000\n").origins.rounded_class);

  std::string text = many_ratings();
  const auto rows = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  const RowLines lines = parse("user,item,rating\n" + text + "\nlast,one,5\n").origins.lines;
  for (const std::size_t row : {std::size_t{0}, rows / 2, rows - 1}) CHECK(lines.line_of(row) == row + 2);
  CHECK(lines.line_of(rows) == rows + 3);
}

TEST_CASE("ratings: takes every separator, strings as ids, and ignores what follows the rating") {
  const Case cases[] = {
      {"1\t2\t3\n4\t5\t.5", "1 2 3; 4 5 0.5; "},
      {"1\t2\t3\t881250949\n4\t5\t6\t\t,::", "1 2 3; 4 5 6; "},
      {"a b\tc,d\t3\n a::b \t\"c\" \t 4 \n", "a b c,d 3; a::b \"c\" 4; "},
      {"\"a\tb\t3\n", "\"a b 3; "},
      {"1::2::3::978300760\n4::5::6\n", "1 2 3; 4 5 6; "},
      {"a:b::c, d::3\n:a:::b::4\n", "a:b c, d 3; :a :b 4; "},
      {"1,2,3\n4,5,6,7\n", "1 2 3; 4 5 6; "},
      {"a b, c:d\t, 3 , x\n a,b c,+4", "a b c:d 3; a b c 4; "},
      {"1 2 3\n4 5 6 7 8\n", "1 2 3; 4 5 6; "},
      {" ann  film\t 3 \n\tbob\tfilm  4", "ann film 3; bob film 4; "},
      {"Zoë 映画 3", "Zoë 映画 3; "},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(error_of(c.text) == "");
    const RatingsFile file = parse(c.text);
    CHECK(shown(file) == c.expected);
    CHECK(!file.header);
  }
}

TEST_CASE("ratings: fields between commas may be quoted") {
  const Case cases[] = {
      {R"("1","2","3","4")", "1 2 3; "},
      {R"("a, b" , c,3)", "a, b c 3; "},
      {"a,\"Up, up\",3\nb, Up ,4", "a Up, up 3; b Up 4; "},
      {R"(a,"say ""hi""","3")", R"(a say "hi" 3; )"},
      {R"(a"b",c",3)", R"(a"b" c" 3; )"},
      {"\"a\",b,1\na,\"b\",2", "a b 1; a b 2; "},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(error_of(c.text) == "");
    CHECK(shown(parse(c.text)) == c.expected);
  }
  CHECK(parse("\"a\",b,1\na,\"b\",2").duplicates == 1);
}

TEST_CASE("ratings: skips a header, whatever separates its fields") {
  const char* cases[] = {
      "userId,movieId,rating,timestamp\n1,2,3,4\n",
      "\n\n\"user id\",\"item id\",\"rating\"\n\n1,2,3\n",
      "user id\titem id\trating\n1\t2\t3\n",
      "user item rating\n1\t2\t3\n",
      "UserID::MovieID::Rating::Timestamp\n1::2::3\n",
      "user,item,rating\r\n1 2 3\r\n",
      "u,i,\"note\"\n1,2,3\n",
      "nutzer,film,\xc3\xbc\n1,2,3\n",
  };
  for (const char* text : cases) {
    CAPTURE(text);
    CHECK(error_of(text) == "");
    CHECK(parse(text).header);
    CHECK(shown(parse(text)) == "1 2 3; ");
  }
}

TEST_CASE("ratings: pairs have a header where names stand above numbers") {
  for (const char* text :
       {"user,item\n1,2\n3,2\n", "\nuser item\n\n1 2\n3 2\n", "\"user id\",\"item\"\n\"1\",2\n3,2\n"}) {
    CAPTURE(text);
    CHECK(parse(text).header);
    CHECK(parse(text).data.rows() == 2);
  }
  for (const char* text :
       {"ann,film\nben,film\n", "ann,5\n1,2\n", "ann,film\n1,film\n", "ann,film\n1,2,3\n", "ann,film\n"}) {
    CAPTURE(text);
    CHECK(!parse(text).header);
  }
}

TEST_CASE("ratings: any line end and blank lines make no difference") {
  const char* cases[] = {
      "1\t2\t3\n4\t5\t6",
      "1\t2\t3\r\n4\t5\t6\r\n",
      "1\t2\t3\r4\t5\t6\r",
      "\n \n1\t2\t3\n\t\t\n\r\n4\t5\t6\n\n \t",
  };
  for (const char* text : cases) {
    CAPTURE(text);
    CHECK(error_of(text) == "");
    CHECK(shown(parse(text)) == "1 2 3; 4 5 6; ");
  }
}

TEST_CASE("ratings: a first line with anything like data is no header") {
  const std::string number = ", expected a rating (a finite number)";
  const Message cases[] = {
      {"u1 i1 nan\n1 2 3\n", "f.csv:1:7: found \"nan\"" + number},
      {"u1 i1 -Inf\n1 2 3\n", "f.csv:1:7: found \"-Inf\"" + number},
      {"u1,i1,\"NaN\"\n1,2,3\n", "f.csv:1:7: found \"\"NaN\"\"" + number},
      {"u1 i1 5x\n1 2 3\n", "f.csv:1:7: found \"5x\"" + number},
      {"u1,i1,?\n1,2,3\n", "f.csv:1:7: found \"?\"" + number},
      {"1 Toy Story 5\n1 2 3\n", "f.csv:1:7: found \"Story\"" + number},
      {"ann Toy Story 5\n1 2 3\n", "f.csv:1:9: found \"Story\"" + number},
      {"%%MatrixMarket matrix coordinate real general\n3 3 2\n1 2 3\n",
       "f.csv:1:1: found \"%%MatrixMarket matri...\", expected user, item and rating; of a MatrixMarket "
       "file, leave "
       "out the lines with % and the line of sizes behind them"},
  };
  for (const Message& c : cases) {
    CAPTURE(c.text);
    CHECK(error_of(c.text) == c.message);
  }
  CHECK_FALSE(is_ratings(cases[7].text));
}

TEST_CASE("ratings: counts the duplicates, and keeps them") {
  const RatingsFile file = parse("a x 1\nb x 2\na x 3\na y 4\na x 1\nb x 5\n");
  CHECK(file.duplicates == 3);
  CHECK(file.data.rows() == 6);
  std::mt19937 random(2);
  std::set<std::pair<std::size_t, std::size_t>> seen;
  std::string text;
  std::uint64_t expected = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::pair<std::size_t, std::size_t> pair(random() % 70, random() % 50);
    expected += !seen.insert(pair).second;
    text += fmt::format("{},{},1\n", pair.first, pair.second);
  }
  CHECK(parse(text).duplicates == expected);
}

TEST_CASE("ratings: a user's items are listed in order, each once") {
  const RatingsFile file = parse("a x 1\nb y 2\na z 3\nb x 4\na x 1\nc z 5\n");
  CHECK(file.rated == std::vector<std::vector<std::uint32_t>>{{0, 2}, {0, 1}, {2}});
  const Ids users(Names{"a", "b"});
  CHECK(parse("a x 1\nb y 2\n", {.users = &users}).rated.empty());
}

TEST_CASE(
    "ratings: parts that any threads read in any order make the file that one line after the other makes") {
  const std::string text = many_ratings();
  const ParallelFor backwards = [](std::size_t count, const std::function<void(std::size_t)>& body) {
    while (count > 0) body(--count);
  };
  Ids users;
  Ids items;
  std::vector<std::vector<std::uint32_t>> rows;
  std::set<std::vector<std::uint32_t>> met;
  for (const std::array<std::string, 3>& line : lines_of(text)) {
    rows.push_back({users.add(line[0]), items.add(line[1])});
    met.insert(rows.back());
  }
  for (const ParallelFor& parallel : {ParallelFor(run_serially), backwards, on_threads(4)}) {
    const RatingsFile file = parse_ratings(text, "f.csv", {}, parallel);
    REQUIRE(file.data.rows() == rows.size());
    CHECK(file.users.names() == users.names());
    CHECK(file.items.names() == items.names());
    CHECK(file.duplicates == rows.size() - met.size());
    bool same = true;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto support = file.data.row(i).support;
      same &= support[0] == rows[i][0] && support[1] == users.size() + rows[i][1];
      same &= file.data.labels()[i] == static_cast<float>(i % 5);
    }
    CHECK(same);
    std::size_t listed = 0;
    for (const auto& of_user : file.rated) listed += of_user.size();
    CHECK(listed == met.size());
  }
}

TEST_CASE("ratings: of several bad lines in parts read at once, the first is named") {
  const std::string text = many_ratings();
  const std::size_t lines = lines_of(text).size();
  const std::string bad = text + "a,b,x\n" + text + "a,b,y\n";
  CHECK(error_of(bad) ==
        fmt::format("f.csv:{}:5: found \"x\", expected a rating (a finite number)", lines + 1));
  const Ids items(Names{"film 1"});
  const RatingsFile known = parse(text, {.items = &items});
  CHECK(known.unknown_items == lines - known.data.nonzeros() + lines);
  CHECK(known.unknown_items > lines / 2);
}

TEST_CASE("ratings: known ids stay as they are, and the unknown is left out and counted") {
  const Ids users(Names{"u", "v"});
  const Ids items(Names{"x", "y", "z"});
  const std::string_view text = "v y 1\nw y 2\nu q 3\nw q 4\nv y 5\nw x 6\n";
  const RatingsFile both = parse(text, {.users = &users, .items = &items});
  CHECK(shown(both) == "v y 1; ? y 2; u ? 3; ? ? 4; v y 5; ? x 6; ");
  CHECK(std::ranges::equal(both.data.offsets(), std::vector<std::uint64_t>{0, 2, 3, 4, 4, 6, 7}));
  CHECK(std::ranges::equal(both.data.indices(), std::vector<Coordinate>{1, 3, 3, 0, 1, 3, 2}));
  CHECK(both.data.dimension() == 5);
  CHECK(both.users.names() == users.names());
  CHECK(both.items.names() == items.names());
  CHECK(both.unknown_users == 3);
  CHECK(both.unknown_items == 2);
  CHECK(both.duplicates == 0);
  const RatingsFile one = parse(text, {.items = &items});
  CHECK(shown(one) == "v y 1; w y 2; u ? 3; w ? 4; v y 5; w x 6; ");
  CHECK(one.unknown_users == 0);
  CHECK(one.unknown_items == 2);
}

TEST_CASE("ratings: pairs without ratings are read, and the first is named") {
  const Case cases[] = {
      {"1\t2\n3\t4\n", "1 2 0; 3 4 0; "},    {"1::2\n3::4::5\n", "1 2 0; 3 4 5; "},
      {"1,2\n3,\"4\",\n", "1 2 0; 3 4 0; "}, {"a,2\nb, x y\n", "a 2 0; b x y 0; "},
      {" 1 2 \n3  4\n", "1 2 0; 3 4 0; "},   {"user,item,rating\n1,2\n3,4,5\n", "1 2 0; 3 4 5; "},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(shown(parse(c.text)) == c.expected);
    CHECK(parse(c.text).unrated.has_value());
  }
  CHECK(error_of("1,2\n3,4,x") == "f.csv:2:5: found \"x\", expected a rating (a finite number)");
  CHECK(!parse("1,2,3\n").unrated);
}

TEST_CASE("ratings: says so when there are none") {
  const std::string expected =
      ", expected user, item and rating, separated by tabs, \"::\", commas or blanks";
  const Message cases[] = {
      {"", "f.csv: no ratings: the file is empty"},
      {"\n \t\r\n", "f.csv: no ratings: every line is blank"},
      {"user,item,rating\n\n", "f.csv: no ratings: there is only a header"},
      {"\nabc\n1,2,3", "f.csv:2:1: found \"abc\"" + expected},
      {"u,i,r\n;\n", "f.csv:2:1: found \";\"" + expected},
  };
  for (const Message& c : cases) {
    CAPTURE(c.text);
    CHECK(error_of(c.text) == c.message);
  }
}

TEST_CASE("ratings: names the field that a line lacks") {
  const std::string rating = "found the end of the line, expected a rating (a finite number) behind ";
  const Message cases[] = {
      {"1,2", "f.csv:1:4: found the end of the file, expected a rating (a finite number) behind a comma"},
      {"1,2,\n", "f.csv:1:5: " + rating + "a comma"},
      {"1 2 3\r\n4 5 \r\n", "f.csv:2:5: " + rating + "a blank"},
      {"1::2::3\n4::5:6\n", "f.csv:2:7: " + rating + "\"::\""},
      {"1\t2\t3\n4 5 6\n", "f.csv:2:6: found the end of the line, expected an item behind a tab"},
      {"1,2,3\n4,5,,6", "f.csv:2:5: found a comma, expected a rating (a finite number)"},
      {"1,2,3\n\n ,5,6", "f.csv:3:2: found a comma, expected a user"},
      {"1\t2\t3\n4\t\t6", "f.csv:2:3: found a tab, expected an item"},
      {"1::2::3\n::5::6", "f.csv:2:1: found \"::\", expected a user"},
      {"1,2,3\n\"\",5,6", "f.csv:2:1: found \"\"\"\", expected a user"},
  };
  for (const Message& c : cases) {
    CAPTURE(c.text);
    CHECK(error_or_unrated(c.text) == c.message);
  }
}

TEST_CASE("ratings: shows a field that is no number, or has quotes that do not match") {
  const std::string number = ", expected a rating (a finite number)";
  const std::string quote = ", expected a quote at the end of the field, and quotes inside it doubled";
  const Message cases[] = {
      {"a,b,c\n1,2,x", "f.csv:2:5: found \"x\"" + number},
      {"1 2 3\n4 5 6x", "f.csv:2:5: found \"6x\"" + number},
      {"1\t2\t3\n4\t5\t6 7", "f.csv:2:5: found \"6 7\"" + number},
      {"1 2 3\n4 5 nan", "f.csv:2:5: found \"nan\"" + number},
      {"1 2 3\n4 5 -inf", "f.csv:2:5: found \"-inf\"" + number},
      {"1 2 3\n4  5  1e39",
       "f.csv:2:7: found \"1e39\", expected a rating within the range of float (up to 3.4e38)"},
      {"1,2,3\n4,\"5,6", "f.csv:2:3: found \"\"5,6\"" + quote},
      {"1,2,3\n4,5,\"", "f.csv:2:5: found \"\"\"" + quote},
      {"1,2,3\n\"4\"x,5,6", "f.csv:2:1: found \"\"4\"x\"" + quote},
      {"1,2,3\n\"4\"x\"y\",5,6", "f.csv:2:1: found \"\"4\"x\"y\"\"" + quote},
  };
  for (const Message& c : cases) {
    CAPTURE(c.text);
    CHECK(error_of(c.text) == c.message);
  }
}

TEST_CASE("ratings: an error knows its file, line and column") {
  try {
    parse("1,2,3\n4,5,x\n");
    FAIL("was accepted");
  } catch (const InputError& error) {
    CHECK(error.where().file == "f.csv");
    CHECK(error.where().line == 2);
    CHECK(error.where().column == 5);
  }
}

TEST_CASE("ratings: reads plain and compressed files") {
  const TempDir folder;
  const std::string text = "1\t2\t3\n4\t5\t6\n";
  write_file(folder / "plain", text);
  gzFile file = gzopen((folder / "packed").c_str(), "wb");
  REQUIRE(gzwrite(file, text.data(), static_cast<unsigned>(text.size())) == std::ssize(text));
  REQUIRE(gzclose(file) == Z_OK);
  for (const char* name : {"plain", "packed"}) {
    CAPTURE(name);
    CHECK(shown(read_ratings(folder / name)) == "1 2 3; 4 5 6; ");
  }
  write_file(folder / "bad", "1 2 3\n1 2 x\n");
  CHECK(input_error_of([&] { read_ratings(folder / "bad"); }) ==
        (folder / "bad") + ":2:5: found \"x\", expected a rating (a finite number)");
  CHECK(input_error_of([&] { read_ratings(folder / "none"); }) != "");
}

TEST_CASE("ratings: are told by the first line, or the one behind a header") {
  for (const char* text :
       {"1 2 3", "1 2 3 4 \n", "\na::b::2.5\n", "user,item,rating\nu:1,\"i:2\",4\n", "1\t2:2\t3\n"}) {
    CAPTURE(text);
    CHECK(is_ratings(text));
  }
  for (const char* text : {"", "1 2\n", "1 2:3 4\n", "1 2:3 4:5\n-1 2:1\n", "user,item,rating\n",
                           "a b c\nd e f\n", "price,size,rooms,age,floor\n1,2,3,4,5\n", "1 2 3 4 5\n"}) {
    CAPTURE(text);
    CHECK_FALSE(is_ratings(text));
  }
}

TEST_CASE("ratings: never crashes on random bytes") {
  std::mt19937 random(3);
  const std::string_view alphabet = "01ab.:,\" \t\n\r-";
  std::size_t accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text(random() % 24, ' ');
    for (char& c : text)
      c = random() % 50 == 0 ? static_cast<char>(random()) : alphabet[random() % alphabet.size()];
    accepted += error_of(text).empty();
  }
  CHECK(accepted > 100);
}
