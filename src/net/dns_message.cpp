#include "net/dns_message.hpp"

#include <algorithm>
#include <array>

namespace pausa::net::dns {
namespace {

constexpr std::size_t header_bytes = 12;
constexpr std::size_t most_name_bytes = 255;
constexpr std::size_t most_label_bytes = 63;
constexpr std::size_t plain_datagram = 512;
// What crosses any network in one piece (DNS flag day 2020).
constexpr std::size_t most_datagram = 1232;
constexpr std::uint16_t response_bit = 0x8000;
constexpr std::uint16_t opcode_bits = 0x7800;
constexpr std::uint16_t authoritative_bit = 0x0400;
constexpr std::uint16_t truncated_bit = 0x0200;
constexpr std::uint16_t recursion_desired_bit = 0x0100;
constexpr std::uint16_t recursion_available_bit = 0x0080;
constexpr std::uint16_t code_bits = 0x000f;
constexpr std::uint16_t internet = 1;
constexpr std::uint16_t opt = 41;
constexpr std::uint16_t question_pointer = 0xc000 | header_bytes;

std::uint8_t byte_at(std::string_view text, std::size_t at) {
  return static_cast<std::uint8_t>(text[at]);
}
std::uint16_t short_at(std::string_view text, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(text, at) << 8U | byte_at(text, at + 1));
}
std::uint32_t long_at(std::string_view text, std::size_t at) {
  return static_cast<std::uint32_t>(short_at(text, at)) << 16U | short_at(text, at + 2);
}
void put_short(std::string& text, unsigned value) {
  text += static_cast<char>(value >> 8U & 0xffU);
  text += static_cast<char>(value & 0xffU);
}
void put_long(std::string& text, std::uint32_t value) {
  put_short(text, value >> 16U);
  put_short(text, value & 0xffffU);
}
void set_short(std::string& text, std::size_t at, unsigned value) {
  text[at] = static_cast<char>(value >> 8U & 0xffU);
  text[at + 1] = static_cast<char>(value & 0xffU);
}

struct ReadName {
  std::string wire;      // without compression
  std::size_t next = 0;  // behind it in the message
};

// Each pointer leads to before the one that led here, so that this ends.
std::optional<ReadName> read_name(std::string_view message, std::size_t at, bool compressed) {
  ReadName name;
  std::size_t limit = at;
  bool jumped = false;
  for (;;) {
    if (at >= message.size()) return std::nullopt;
    const std::size_t length = byte_at(message, at);
    if (length >= 0xc0) {
      if (!compressed || at + 2 > message.size()) return std::nullopt;
      const std::size_t target = short_at(message, at) & 0x3fffU;
      if (target >= limit || target < header_bytes) return std::nullopt;
      if (!jumped) name.next = at + 2;
      jumped = true;
      limit = at = target;
      continue;
    }
    if (length > most_label_bytes || at + 1 + length > message.size() ||
        name.wire.size() + 1 + length > most_name_bytes)
      return std::nullopt;
    name.wire += message.substr(at, 1 + length);
    at += 1 + length;
    if (length != 0) continue;
    if (!jumped) name.next = at;
    return name;
  }
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string plain_name(std::string_view wire) {
  std::string name;
  for (std::size_t at = 0; at < wire.size() && wire[at] != 0;) {
    const std::size_t length = byte_at(wire, at);
    if (!name.empty()) name += '.';
    for (std::size_t i = 1; i <= length; ++i) {
      const char c = lower(wire[at + i]);
      if (!is_plain(c)) return {};
      name += c;
    }
    at += 1 + length;
  }
  return name;
}

struct ReadRecord {
  Record record;
  std::size_t data_at = 0;
  std::uint16_t class_ = 0;
  std::size_t next = 0;
};

std::optional<ReadRecord> read_record(std::string_view message, std::size_t at) {
  constexpr std::size_t fixed = 10;
  auto name = read_name(message, at, true);
  if (!name || name->next + fixed > message.size()) return std::nullopt;
  ReadRecord read;
  read.record.name = std::move(name->wire);
  read.record.type = short_at(message, name->next);
  read.class_ = short_at(message, name->next + 2);
  read.record.ttl = long_at(message, name->next + 4);
  const std::size_t size = short_at(message, name->next + 8);
  read.data_at = name->next + fixed;
  read.next = read.data_at + size;
  if (read.next > message.size()) return std::nullopt;
  read.record.data = message.substr(read.data_at, size);
  return read;
}

void put_record(std::string& text, const Record& record) {
  if (record.name.empty())
    put_short(text, question_pointer);
  else
    text += record.name;
  put_short(text, record.type);
  put_short(text, internet);
  put_long(text, record.ttl);
  put_short(text, static_cast<unsigned>(record.data.size()));
  text += record.data;
}

// A header, in the place of the first of the message.
std::string header(std::string_view message, std::uint16_t flags) {
  std::string text(message.substr(0, 2));
  put_short(text, flags);
  text.append(8, '\0');
  return text;
}

std::uint16_t answer_flags(std::string_view message, Code code) {
  const std::uint16_t asked = short_at(message, 2);
  return static_cast<std::uint16_t>(response_bit | recursion_available_bit |
                                    (asked & (opcode_bits | recursion_desired_bit)) |
                                    static_cast<std::uint16_t>(code));
}

}  // namespace

ParsedQuery parse_query(std::string_view message) {
  if (message.size() < header_bytes) return {};
  const std::uint16_t flags = short_at(message, 2);
  if ((flags & response_bit) != 0) return {};
  if ((flags & opcode_bits) != 0) return {std::nullopt, Code::not_implemented};
  constexpr unsigned most_additional = 4;
  if (short_at(message, 4) != 1 || short_at(message, 6) != 0 || short_at(message, 8) != 0 ||
      short_at(message, 10) > most_additional || (flags & (truncated_bit | code_bits)) != 0)
    return {std::nullopt, Code::format_error};
  const auto name = read_name(message, header_bytes, false);
  if (!name || name->next + 4 > message.size()) return {std::nullopt, Code::format_error};
  Query query;
  query.id = short_at(message, 0);
  query.type = short_at(message, name->next);
  query.recursion_desired = (flags & recursion_desired_bit) != 0;
  query.question_end = name->next + 4;
  query.name = plain_name(name->wire);
  if (short_at(message, name->next + 2) != internet) return {std::nullopt, Code::not_implemented};
  std::size_t at = query.question_end;
  for (unsigned left = short_at(message, 10); left > 0; --left) {
    const auto read = read_record(message, at);
    if (!read) return {std::nullopt, Code::format_error};
    at = read->next;
    if (read->record.type != opt) continue;
    if (query.edns || read->record.name.size() != 1) return {std::nullopt, Code::format_error};
    query.edns = true;
    query.most_bytes = std::clamp<std::size_t>(read->class_, plain_datagram, most_datagram);
  }
  if (at != message.size()) return {std::nullopt, Code::format_error};
  return {std::move(query), std::nullopt};
}

std::optional<std::string> wire_name(std::string_view name) {
  std::string wire;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find('.'), name.size());
    if (end == 0 || end > most_label_bytes) return std::nullopt;
    wire += static_cast<char>(end);
    wire += name.substr(0, end);
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  wire += '\0';
  if (wire.size() > most_name_bytes) return std::nullopt;
  return wire;
}

std::string srv_data(std::uint16_t port, std::string_view wire_target) {
  constexpr unsigned weight = 100;
  std::string data;
  put_short(data, 0);
  put_short(data, weight);
  put_short(data, port);
  data += wire_target;
  return data;
}

std::string make_answer(std::string_view message, const Query& query, const Answer& answer,
                        std::size_t most_bytes) {
  std::string text = header(
      message, static_cast<std::uint16_t>(answer_flags(message, answer.code) | authoritative_bit));
  text += message.substr(header_bytes, query.question_end - header_bytes);
  set_short(text, 4, 1);
  constexpr std::size_t opt_bytes = 11;
  const std::size_t room = most_bytes - (query.edns ? opt_bytes : 0);
  unsigned put = 0;
  for (const auto& record : answer.records) {
    const std::size_t before = text.size();
    put_record(text, record);
    if (text.size() > room) {
      text.resize(before);
      set_short(text, 2, static_cast<unsigned>(short_at(text, 2) | truncated_bit));
      break;
    }
    ++put;
  }
  set_short(text, 6, put);
  unsigned told = 0;
  for (const auto& record : answer.authority) {
    const std::size_t before = text.size();
    put_record(text, record);
    if (text.size() > room) {
      text.resize(before);
      break;
    }
    ++told;
  }
  set_short(text, 8, told);
  if (query.edns) {
    set_short(text, 10, 1);
    text += '\0';
    put_short(text, opt);
    put_short(text, static_cast<unsigned>(most_datagram));
    put_long(text, 0);
    put_short(text, 0);
  }
  return text;
}

std::string make_refusal(std::string_view message, Code code) {
  return header(message, answer_flags(message, code));
}

std::string make_query(std::uint16_t id, std::string_view wire_name, std::uint16_t type) {
  std::string text;
  put_short(text, id);
  put_short(text, recursion_desired_bit);
  put_short(text, 1);
  text.append(6, '\0');
  text += wire_name;
  put_short(text, type);
  put_short(text, internet);
  return text;
}

std::string with_id(std::string_view message, std::uint16_t id) {
  std::string text(message);
  set_short(text, 0, id);
  return text;
}

bool answers(std::string_view response, std::string_view query) {
  if (response.size() < header_bytes || query.size() < header_bytes) return false;
  const std::uint16_t flags = short_at(response, 2);
  if (short_at(response, 0) != short_at(query, 0) || (flags & response_bit) == 0 ||
      (flags & opcode_bits) != 0 || short_at(response, 4) != 1)
    return false;
  const auto asked = read_name(query, header_bytes, false);
  const auto answered = read_name(response, header_bytes, false);
  if (!asked || !answered || asked->next + 4 > query.size() || answered->next + 4 > response.size())
    return false;
  return std::equal(asked->wire.begin(), asked->wire.end(), answered->wire.begin(),
                    answered->wire.end(), [](char a, char b) { return lower(a) == lower(b); }) &&
         query.substr(asked->next, 4) == response.substr(answered->next, 4);
}

bool is_truncated(std::string_view response) {
  return response.size() >= header_bytes && (short_at(response, 2) & truncated_bit) != 0;
}

Code code_of(std::string_view response) {
  return response.size() < header_bytes ? Code::server_failure
                                        : static_cast<Code>(short_at(response, 2) & code_bits);
}

std::optional<std::vector<Record>> answers_of(std::string_view response) {
  if (response.size() < header_bytes || short_at(response, 4) != 1) return std::nullopt;
  const auto question = read_name(response, header_bytes, false);
  if (!question) return std::nullopt;
  std::size_t at = question->next + 4;
  std::vector<Record> records;
  for (unsigned left = short_at(response, 6); left > 0; --left) {
    auto read = read_record(response, at);
    if (!read) return std::nullopt;
    at = read->next;
    auto& record = read->record;
    if (read->class_ != internet) continue;
    if (record.type == static_cast<std::uint16_t>(Type::cname)) {
      auto target = read_name(response, read->data_at, true);
      if (!target || target->next != read->next) return std::nullopt;
      record.data = std::move(target->wire);
    } else if (record.type == static_cast<std::uint16_t>(Type::a)) {
      if (record.data.size() != 4) return std::nullopt;
    } else if (record.type == static_cast<std::uint16_t>(Type::aaaa)) {
      if (record.data.size() != 16) return std::nullopt;
    } else {
      continue;
    }
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace pausa::net::dns
