// Any bytes may come to the resolver as a question, and as an answer from a server: they are
// understood or refused, and what is made of them is what we understand ourselves.
#include "net/dns_message.hpp"

#include <cstdint>
#include <cstdlib>

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pausa::net;
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  const auto parsed = dns::parse_query(message);
  if (parsed.code && dns::make_refusal(message, *parsed.code).size() != 12) std::abort();
  const auto records = dns::answers_of(message);
  (void)dns::is_truncated(message);
  (void)dns::answers(message, message);
  if (!parsed.query) return 0;
  const auto& query = *parsed.query;
  if (query.question_end > size || query.name.size() > 254) std::abort();
  dns::Answer answer;
  for (int i = 0; i < 100; ++i) answer.records.push_back({{}, 1, 5, "\x0a\x56\x01\x07"});
  const auto text = dns::make_answer(message, query, answer, query.most_bytes);
  if (text.size() > query.most_bytes || !dns::answers(text, message) || !dns::answers_of(text))
    std::abort();
  if (records && dns::parse_query(dns::with_id(message, 1)).query->name != query.name) std::abort();
  return 0;
}
