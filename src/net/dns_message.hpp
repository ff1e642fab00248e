// DNS messages (RFC 1035, EDNS of RFC 6891) as bytes and back. Pure and strict: what is not as it
// should be is refused, every name ends (a compression pointer leads backwards only, a name has 255
// bytes at most), and nothing is read past the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::net::dns {

enum class Type : std::uint16_t {
  a = 1,
  cname = 5,
  soa = 6,
  ptr = 12,
  aaaa = 28,
  srv = 33,
  any = 255
};
enum class Code : std::uint8_t {
  no_error = 0,
  format_error = 1,
  server_failure = 2,
  no_such_name = 3,
  not_implemented = 4
};

struct Query {
  std::uint16_t id = 0;
  std::uint16_t type = 0;
  bool recursion_desired = false;
  bool edns = false;
  std::size_t most_bytes = 512;  // of an answer in one datagram
  std::size_t question_end = 0;  // where the question ends in the message
  // In lower case, without the last dot. Empty: the root, or one with bytes that no name of ours
  // has (others than letters, digits, '-', '_').
  std::string name;
};

// code: what to answer when there is no query; nullopt then: nothing at all.
struct ParsedQuery {
  std::optional<Query> query;
  std::optional<Code> code;
};
ParsedQuery parse_query(std::string_view message);

// Names are on the wire here: "\3web\0". Empty: that of the question.
struct Record {
  std::string name;
  std::uint16_t type = 0;
  std::uint32_t ttl = 0;
  std::string data;
};
// "web.shop" to "\3web\4shop\0"; nullopt: a label or the name is too long.
std::optional<std::string> wire_name(std::string_view name);
std::string srv_data(std::uint16_t port, std::string_view wire_target);

struct Answer {
  Code code = Code::no_error;
  std::vector<Record> records;
  std::vector<Record> authority;
};
// most_bytes: what does not fit is left out, and the answer says so (TC).
std::string make_answer(std::string_view message, const Query& query, const Answer& answer,
                        std::size_t most_bytes);
// With the header alone.
std::string make_refusal(std::string_view message, Code code);

std::string make_query(std::uint16_t id, std::string_view wire_name, std::uint16_t type);
// The same with another id.
std::string with_id(std::string_view message, std::uint16_t id);

// Whether it is an answer to this very question.
bool answers(std::string_view response, std::string_view query);
bool is_truncated(std::string_view response);
Code code_of(std::string_view response);
// The addresses and aliases among its answers, names without compression; nullopt: it is damaged.
std::optional<std::vector<Record>> answers_of(std::string_view response);

}  // namespace pausa::net::dns
