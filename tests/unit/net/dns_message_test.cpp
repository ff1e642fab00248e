#include "net/dns_message.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace pausa::net;
using namespace std::string_literals;

namespace {

// id 7, recursion desired, one question, `more` in the additional section.
std::string query(const std::string& question, unsigned additional = 0,
                  const std::string& more = "") {
  return "\0\7\1\0\0\1\0\0\0\0\0"s + static_cast<char>(additional) + question + more;
}
const std::string web = "\3Web\4shop\0\0\1\0\1"s;
const std::string opt = "\0\0\51\x20\0\0\0\0\0\0\0"s;  // 8192 bytes

}  // namespace

TEST_SUITE_BEGIN("net/dns_message");

TEST_CASE("a question: its name in lower case, its type, what fits into the answer") {
  const auto parsed = dns::parse_query(query(web));
  REQUIRE(parsed.query);
  CHECK(parsed.query->name == "web.shop");
  CHECK(parsed.query->type == 1);
  CHECK(parsed.query->id == 7);
  CHECK(parsed.query->recursion_desired);
  CHECK(parsed.query->most_bytes == 512);
  const auto with_edns = dns::parse_query(query(web, 1, opt));
  REQUIRE(with_edns.query);
  CHECK(with_edns.query->edns);
  CHECK(with_edns.query->most_bytes == 1232);
}

TEST_CASE("a name with bytes that none of ours has is passed on without being read") {
  const auto parsed = dns::parse_query(query("\3a/b\2\0.\0\0\1\0\1"s));
  REQUIRE(parsed.query);
  CHECK(parsed.query->name == "");
}

TEST_CASE("what is no question is refused, or not answered at all") {
  using dns::Code;
  CHECK_FALSE(dns::parse_query("").code);
  CHECK_FALSE(dns::parse_query("\0\7\1\0\0\1"s).code);
  CHECK_FALSE(dns::parse_query("\0\7\x80\0\0\1\0\0\0\0\0\0"s + web).code);  // an answer
  const auto refused = [](const std::string& message) {
    const auto parsed = dns::parse_query(message);
    CHECK_FALSE(parsed.query);
    return parsed.code;
  };
  CHECK(refused("\0\7\x28\0\0\1\0\0\0\0\0\0"s + web) == Code::not_implemented);  // an update
  CHECK(refused("\0\7\1\0\0\2\0\0\0\0\0\0"s + web + web) == Code::format_error);
  CHECK(refused("\0\7\1\0\0\0\0\0\0\0\0\0"s) == Code::format_error);
  CHECK(refused(query("\3Web\4sho"s)) == Code::format_error);
  CHECK(refused(query("\3Web\4shop\0\0\1"s)) == Code::format_error);
  CHECK(refused(query(web, 0, "x")) == Code::format_error);
  CHECK(refused(query(web, 1)) == Code::format_error);
  CHECK(refused(query(web, 2, opt + opt)) == Code::format_error);
  CHECK(refused(query("\xc0\x0c\0\1\0\1"s)) == Code::format_error);  // a pointer to itself
  CHECK(refused(query("\x40" + std::string(64, 'a') + "\0\0\1\0\1"s)) == Code::format_error);
  CHECK(refused(query("\3Web\4shop\0\0\1\0\3"s)) == Code::not_implemented);  // of the class CHAOS
  std::string longest;
  for (int i = 0; i < 5; ++i) longest += '\x3f' + std::string(63, 'a');
  CHECK(refused(query(longest + "\0\0\1\0\1"s)) == Code::format_error);
}

TEST_CASE("an answer has the question as it was, and says when it is cut short") {
  const auto message = query(web, 1, opt);
  const auto parsed = dns::parse_query(message);
  dns::Answer answer;
  for (int i = 0; i < 40; ++i) answer.records.push_back({{}, 1, 5, "\x0a\x56\0\x07"s});
  const auto text = dns::make_answer(message, *parsed.query, answer, parsed.query->most_bytes);
  CHECK(dns::answers(text, message));
  CHECK_FALSE(dns::is_truncated(text));
  CHECK(text.substr(12, web.size()) == web);
  const auto records = dns::answers_of(text);
  REQUIRE(records);
  CHECK(records->size() == 40);
  CHECK(records->front().data == "\x0a\x56\0\x07"s);
  CHECK(records->front().name == "\3Web\4shop\0"s);
  const auto cut = dns::make_answer(message, *parsed.query, answer, 512);
  CHECK(dns::is_truncated(cut));
  CHECK(cut.size() <= 512);
  CHECK(dns::answers_of(cut)->size() < 40);
}

TEST_CASE("only an answer to this question is one") {
  const auto asked = dns::make_query(7, "\3web\4shop\0"s, 1);
  const auto head = [](unsigned char flags, char questions) {
    return "\0\7"s + static_cast<char>(flags) + "\0\0"s + questions + "\0\0\0\0\0\0"s;
  };
  CHECK(dns::answers(head(0x81, 1) + web, asked));
  CHECK_FALSE(dns::answers(head(0x01, 1) + web, asked));
  CHECK_FALSE(dns::answers(head(0x81, 0) + web, asked));
  CHECK_FALSE(dns::answers(head(0x81, 1) + "\3web\4shoq\0\0\1\0\1"s, asked));
  CHECK_FALSE(dns::answers(head(0x81, 1) + "\3web\4shop\0\0\34\0\1"s, asked));
  CHECK_FALSE(dns::answers("\0\x8"s + (head(0x81, 1) + web).substr(2), asked));
  CHECK_FALSE(dns::answers("\0\7", asked));
}

TEST_CASE("names in answers: pointers lead backwards only, and end") {
  const auto head = "\0\7\x81\0\0\1\0\1\0\0\0\0"s + web;
  const auto alias = [&](const std::string& name, const std::string& data) {
    return head + name + "\0\5\0\1\0\0\0\5\0"s + static_cast<char>(data.size()) + data;
  };
  const auto good = dns::answers_of(alias("\xc0\x0c"s, "\3out\xc0\x10"s));
  REQUIRE(good);
  CHECK(good->front().data == "\3out\4shop\0"s);
  const auto here = static_cast<char>(head.size());
  CHECK_FALSE(dns::answers_of(alias("\xc0"s + here, "\0"s)));
  CHECK_FALSE(dns::answers_of(alias("\xc0\xff"s, "\0"s)));
  CHECK_FALSE(dns::answers_of(alias("\xc0\x02"s, "\0"s)));
  CHECK_FALSE(dns::answers_of(alias("\xc0\x0c"s, "\3out"s)));
  CHECK_FALSE(dns::answers_of(alias("\xc0\x0c"s, "\3out\0x"s)));
  CHECK_FALSE(dns::answers_of(head + "\xc0\x0c\0\1\0\1\0\0\0\5\0\4\1\2\3"s));
  CHECK_FALSE(dns::answers_of(head + "\xc0\x0c\0\1\0\1\0\0\0\5\0\3\1\2\3"s));
}

TEST_CASE("names as words and on the wire") {
  CHECK(dns::wire_name("web.shop") == "\3web\4shop\0"s);
  CHECK(dns::wire_name("") == "\0"s);
  CHECK_FALSE(dns::wire_name("web..shop"));
  CHECK_FALSE(dns::wire_name(std::string(64, 'a')));
  CHECK_FALSE(dns::wire_name(std::string(63, 'a') + "." + std::string(63, 'a') + "." +
                             std::string(63, 'a') + "." + std::string(63, 'a')));
}

TEST_SUITE_END();
