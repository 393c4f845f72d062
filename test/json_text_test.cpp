#include "io/json_text.h"

#include <doctest/doctest.h>

using namespace sounder;

TEST_CASE("json text: is indented, and ends its last line") {
  CHECK(json_text({{"a", 1}, {"b", {"x"}}}) == "{\n  \"a\": 1,\n  \"b\": [\n    \"x\"\n  ]\n}\n");
}

TEST_CASE("json text: UTF-8 stays, other bytes are replaced") {
  CHECK(json_text("jos\xc3\xa9") == "\"jos\xc3\xa9\"\n");
  CHECK(json_text("jos\xe9") == "\"jos\xef\xbf\xbd\"\n");
  CHECK(json_text({{"a\xff", "b"}}) == "{\n  \"a\xef\xbf\xbd\": \"b\"\n}\n");
}
