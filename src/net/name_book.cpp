#include "net/name_book.hpp"

#include "sys/error.hpp"
#include "sys/file_lock.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace pausa::net {
namespace {

constexpr std::size_t entry_limit = 256U << 10U;
constexpr std::size_t lease_limit = 1024;
constexpr std::size_t longest_name = NAME_MAX - 32;  // it is written under a longer one first
constexpr std::string_view services_zone = ".svc.cluster.local";
constexpr std::string_view addresses_zone = ".pod.cluster.local";

std::string_view next_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const auto word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

template <typename Each>
void each_line(std::string_view text, const Each& each) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    each(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// The value of the line that begins with the word.
std::string line_of(std::string_view text, std::string_view word) {
  std::string found;
  each_line(text, [&](std::string_view line) {
    if (next_word(line) == word && found.empty()) found = line;
  });
  return found;
}

// A name that cannot be asked for needs no file.
bool fits(const std::string& name) {
  return !name.empty() && name.size() <= longest_name && name.front() != '.' &&
         name.find('/') == std::string::npos;
}

// Several pods may be one name: each has a part that begins with its OWNER. What the others have.
std::string without(std::string_view text, std::string_view uid) {
  std::string others;
  bool own = false;
  each_line(text, [&](std::string_view line) {
    auto rest = line;
    if (next_word(rest) == "OWNER") own = rest == uid;
    if (!own) others.append(line).append("\n");
  });
  return others;
}

void remove_of(int folder, const std::string& name, const std::string& uid) {
  if (!fits(name)) return;
  const auto text = sys::read_file_at(folder, name, entry_limit);
  if (!text) return;
  const auto others = without(*text, uid);
  if (others.empty())
    (void)::unlinkat(folder, name.c_str(), 0);
  else if (others != *text)
    sys::replace_file_at(folder, name, others, 0600);
}

// Held by who changes what several pods have a part in.
class Changing {
 public:
  explicit Changing(int folder) : folder_(folder) {
    sys::lock_exclusively(folder, "lock the names of pods");
  }
  ~Changing() { (void)::flock(folder_, LOCK_UN); }
  Changing(const Changing&) = delete;
  Changing& operator=(const Changing&) = delete;

 private:
  int folder_;
};

}  // namespace

NameEntry parse_name_entry(std::string_view text) {
  NameEntry entry;
  each_line(text, [&entry](std::string_view line) {
    const auto kind = next_word(line);
    if (kind == "A") {
      if (const auto address = parse_address(std::string(line)))
        entry.addresses.push_back(*address);
    } else if (kind == "CNAME") {
      entry.alias = line.ends_with('.') ? line.substr(0, line.size() - 1) : line;
    } else if (kind == "PTR") {
      entry.ptr = line;
    } else if (kind == "SRV") {
      auto& srv = entry.srv.emplace_back();
      srv.port_name = next_word(line);
      srv.protocol = next_word(line);
      const auto port = next_word(line);
      (void)std::from_chars(port.data(), port.data() + port.size(), srv.port);
      srv.target = line;
    }
  });
  return entry;
}

void NameBook::add(const PodNames& names) const {
  std::string text = "OWNER " + names.uid + "\n";
  if (!names.full.empty()) text += "ALSO " + names.full + "\n";
  for (const auto& address : names.addresses) text += "A " + address + "\n";
  const auto folder = sys::make_dirs_at(AT_FDCWD, folder_ + "/pods", 0700);
  if (fits(names.name)) sys::replace_file_at(folder.get(), names.name, text, 0600);
  if (!fits(names.full)) return;
  const Changing changing(folder.get());
  const auto there = sys::read_file_at(folder.get(), names.full, entry_limit).value_or("");
  sys::replace_file_at(folder.get(), names.full, without(there, names.uid) + text, 0600);
}

void NameBook::remove(const std::string& uid, const std::string& name) const {
  const auto folder = sys::try_open_at(AT_FDCWD, folder_ + "/pods", O_RDONLY | O_DIRECTORY);
  if (!folder || !fits(name)) return;
  const auto text = sys::read_file_at(folder.get(), name, entry_limit);
  if (!text) return;
  const Changing changing(folder.get());
  remove_of(folder.get(), line_of(*text, "ALSO"), uid);
  remove_of(folder.get(), name, uid);
}

void NameBook::set_services(const std::map<std::string, std::string>& files) const {
  const std::string path = folder_ + "/services";
  if (files.empty() && ::access(path.c_str(), F_OK) != 0) return;
  const auto folder = sys::make_dirs_at(AT_FDCWD, path, 0700);
  for (const auto& [name, text] : files)
    if (fits(name) && sys::read_file_at(folder.get(), name, entry_limit) != text)
      sys::replace_file_at(folder.get(), name, text, 0600);
  for (const auto& name : sys::list_dir(folder.get()))
    if (!files.contains(name)) (void)::unlinkat(folder.get(), name.c_str(), 0);
}

std::string NameBook::hosts(const std::string& namespace_) const {
  std::map<std::string, std::string> lines;  // of Services, where a pod has the same name
  for (const char* kind : {"/services", "/pods"}) {
    const auto folder = sys::try_open_at(AT_FDCWD, folder_ + kind, O_RDONLY | O_DIRECTORY);
    if (!folder) continue;
    for (const auto& name : sys::list_dir(folder.get())) {
      const auto text = sys::read_file_at(folder.get(), name, entry_limit);
      if (!text || lines.contains(name)) continue;
      std::string names = "\t" + name + std::string(services_zone) + "\t" + name;
      if (name.ends_with("." + namespace_) && name.find('.') == name.size() - namespace_.size() - 1)
        names += "\t" + name.substr(0, name.find('.'));
      for (const auto& address : parse_name_entry(*text).addresses)
        lines[name] += to_text(address) + names + "\n";
    }
  }
  std::string all;
  for (const auto& [name, text] : lines) all += text;
  return all;
}

std::optional<NameEntry> NameBook::find(std::string_view name) const {
  if (!fits(std::string(name))) return std::nullopt;
  for (const char* kind : {"/services/", "/pods/"})
    if (const auto text = sys::read_file_at(AT_FDCWD, (folder_ + kind).append(name), entry_limit))
      return parse_name_entry(*text);
  return std::nullopt;
}

namespace {

using dns::Answer;
using dns::Record;
using dns::Type;

std::uint16_t number(Type type) {
  return static_cast<std::uint16_t>(type);
}

bool wants(const dns::Query& query, Type type) {
  return query.type == number(type) || query.type == number(Type::any);
}

Record record(Type type, std::string data) {
  return {{}, number(type), name_ttl_seconds, std::move(data)};
}

void add_addresses(const dns::Query& query, const std::vector<Address>& addresses, Answer& answer) {
  const std::size_t first = answer.records.size();
  for (const auto& address : addresses)
    if (wants(query, address.v6 ? Type::aaaa : Type::a))
      answer.records.push_back(
          record(address.v6 ? Type::aaaa : Type::a,
                 std::string(reinterpret_cast<const char*>(address.bytes.data()), address.size())));
  // Who takes the first of several takes another one each time.
  const std::size_t count = answer.records.size() - first;
  std::uint32_t turn = 0;
  if (count > 1 && ::getrandom(&turn, sizeof turn, GRND_NONBLOCK) == sizeof turn)
    std::rotate(answer.records.begin() + static_cast<std::ptrdiff_t>(first),
                answer.records.begin() + static_cast<std::ptrdiff_t>(first + turn % count),
                answer.records.end());
}

// That there is nothing (of this type), for as long as a name is remembered (RFC 2308).
void add_authority(Answer& answer) {
  std::string data = *dns::wire_name("ns.dns.cluster.local");
  data += *dns::wire_name("hostmaster.cluster.local");
  for (const std::uint32_t value : {1U, 7200U, 1800U, 86400U, name_ttl_seconds})
    for (int shift = 24; shift >= 0; shift -= 8)
      data += static_cast<char>(value >> static_cast<unsigned>(shift) & 0xffU);
  answer.authority.push_back(
      {*dns::wire_name(name_zone), number(Type::soa), name_ttl_seconds, std::move(data)});
}

// "_http._tcp.db.default": the ports of that name and protocol.
void add_ports(const dns::Query& query, std::string_view name, const NameBook& book, Answer& answer,
               bool& known) {
  const std::size_t dot = name.find("._");
  const std::size_t end = dot == std::string_view::npos ? dot : name.find('.', dot + 2);
  if (end == std::string_view::npos) return;
  const auto port = name.substr(1, dot - 1);
  const auto protocol = name.substr(dot + 2, end - dot - 2);
  const auto entry = book.find(name.substr(end + 1));
  if (!entry) return;
  for (const auto& srv : entry->srv) {
    if (srv.port_name != port || srv.protocol != protocol) continue;
    known = true;
    const auto target = dns::wire_name(srv.target);
    if (target && wants(query, Type::srv))
      answer.records.push_back(record(Type::srv, dns::srv_data(srv.port, *target)));
  }
}

struct Leased {
  std::string namespace_;
  std::string pod;
};

// Whose the address of the bridge's is, of either family.
std::optional<Leased> leased(Address address, const std::string& leases, const Pool& pool) {
  if (address.v6) {
    std::uint32_t pod = 0;
    for (std::size_t i = 12; i < 16; ++i) pod = pod << 8U | address.bytes[i];
    if (pod < Pool::first || pod > pool.last() || pool.v6_of(pod) != address) return std::nullopt;
    address = pool.v4_of(pod);
  }
  const auto owner = sys::read_file_at(AT_FDCWD, leases + "/" + to_text(address), lease_limit);
  if (!owner) return std::nullopt;
  const std::size_t blank = owner->find(' ');
  const std::size_t slash = owner->find('/');
  const std::size_t end = owner->find('\n');
  if (blank > slash || slash > end || end == std::string::npos) return std::nullopt;
  return Leased{owner->substr(blank + 1, slash - blank - 1),
                owner->substr(slash + 1, end - slash - 1)};
}

// "10-86-0-7.default": the pod at that address.
bool add_by_address(const dns::Query& query, std::string_view name, const std::string& leases,
                    const Pool& pool, Answer& answer) {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return false;
  for (const char separator : {'.', ':'}) {
    std::string text(name.substr(0, dot));
    std::replace(text.begin(), text.end(), '-', separator);
    const auto address = parse_address(text);
    const auto owner = address ? leased(*address, leases, pool) : std::nullopt;
    if (!owner || owner->namespace_ != name.substr(dot + 1)) continue;
    add_addresses(query, {*address}, answer);
    return true;
  }
  return false;
}

// "7.0.86.10.in-addr.arpa" and its like of IPv6.
std::optional<Address> reversed_address(std::string_view name) {
  const bool v6 = name.ends_with(".ip6.arpa");
  if (!v6 && !name.ends_with(".in-addr.arpa")) return std::nullopt;
  name.remove_suffix(std::string_view(v6 ? ".ip6.arpa" : ".in-addr.arpa").size());
  std::vector<unsigned> parts;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find('.'), name.size());
    unsigned part = 0;
    const auto [stop, error] = std::from_chars(name.data(), name.data() + end, part, v6 ? 16 : 10);
    if (error != std::errc() || stop != name.data() + end || part > (v6 ? 15U : 255U))
      return std::nullopt;
    parts.push_back(part);
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  Address address;
  address.v6 = v6;
  if (parts.size() != (v6 ? 32U : 4U)) return std::nullopt;
  for (std::size_t i = 0; i < address.size(); ++i)
    address.bytes[i] =
        static_cast<std::uint8_t>(v6 ? parts[31 - 2 * i] << 4U | parts[30 - 2 * i] : parts[3 - i]);
  return address;
}

std::optional<Answer> answer_by_address(const dns::Query& query, const NameBook& book,
                                        const std::string& leases, const Pool& pool) {
  const auto address = reversed_address(query.name);
  if (!address) return std::nullopt;
  std::string name;
  if (const auto entry = book.find(to_text(*address)))
    name = entry->ptr;
  else if (const auto owner = leased(*address, leases, pool))
    name = owner->pod + "." + owner->namespace_ + std::string(services_zone);
  else if (!pool.v4.contains(*address) && !(pool.v6 && pool.v6->contains(*address)))
    return std::nullopt;
  Answer answer;
  const auto wire = name.empty() ? std::nullopt : dns::wire_name(name);
  if (!wire)
    answer.code = dns::Code::no_such_name;
  else if (wants(query, Type::ptr))
    answer.records.push_back(record(Type::ptr, *wire));
  return answer;
}

// alias: what the name stands for.
std::optional<Answer> answer_once(const dns::Query& query, const NameBook& book,
                                  const std::string& leases, const Pool& pool, std::string& alias) {
  std::string_view name = query.name;
  if (!name.ends_with(name_zone) ||
      (name.size() > name_zone.size() && name[name.size() - name_zone.size() - 1] != '.'))
    return answer_by_address(query, book, leases, pool);
  Answer answer;
  bool known = name.size() == name_zone.size();
  if (name.ends_with(services_zone)) {
    name.remove_suffix(services_zone.size());
    if (name.starts_with('_')) {
      add_ports(query, name, book, answer, known);
    } else if (const auto entry = book.find(name)) {
      known = true;
      if (entry->alias.empty()) {
        add_addresses(query, entry->addresses, answer);
      } else if (const auto target = dns::wire_name(entry->alias)) {
        answer.records.push_back(record(Type::cname, *target));
        alias = entry->alias;
      }
    }
  } else if (name.ends_with(addresses_zone)) {
    name.remove_suffix(addresses_zone.size());
    known = add_by_address(query, name, leases, pool, answer);
  }
  if (!known) answer.code = dns::Code::no_such_name;
  if (answer.records.empty()) add_authority(answer);
  return answer;
}

}  // namespace

std::optional<Answer> answer_by_name(const dns::Query& query, const NameBook& book,
                                     const std::string& leases, const Pool& pool) {
  constexpr int most_aliases = 8;
  std::string alias;
  auto answer = answer_once(query, book, leases, pool, alias);
  for (int followed = 0; !alias.empty() && query.type != number(Type::cname); ++followed) {
    auto next = query;
    next.name = std::exchange(alias, {});
    const auto more = answer_once(next, book, leases, pool, alias);
    if (!more) break;
    if (followed == most_aliases) {
      answer->code = dns::Code::server_failure;
      break;
    }
    for (auto part : more->records) {
      part.name = *dns::wire_name(next.name);
      answer->records.push_back(std::move(part));
    }
    answer->code = more->code;
    answer->authority = more->authority;
  }
  return answer;
}

}  // namespace pausa::net
