#include "security/user.hpp"

#include "sys/error.hpp"
#include "sys/fd.hpp"
#include "sys/path.hpp"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace pausa::security {
namespace {

constexpr std::size_t most_file_bytes = 1 << 20;
constexpr std::size_t most_user_bytes = 256;
constexpr std::size_t most_groups = 65536;  // NGROUPS_MAX, credentials(7)
constexpr std::uint32_t highest_id = 2147483647;

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Digits only, and not above what Kubernetes and the kernel's signed interfaces can hold.
std::optional<std::uint32_t> id_of(std::string_view text) {
  if (!all_digits(text)) return std::nullopt;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value > highest_id) return std::nullopt;
  return value;
}

// A word from the image, fit for a sentence on a terminal.
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text.substr(0, most_user_bytes))
    result += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return result + '"';
}

std::string_view take(std::string_view& rest, char separator) {
  const std::size_t at = rest.find(separator);
  const std::string_view head = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  return head;
}

// The exact number of fields, or nothing: a short or a long line describes nobody.
template <std::size_t count>
std::optional<std::array<std::string_view, count>> fields(std::string_view line) {
  if (std::ranges::count(line, ':') != count - 1) return std::nullopt;
  std::array<std::string_view, count> result;
  for (std::string_view& field : result) field = take(line, ':');
  return result;
}

struct PasswdLine {
  std::string_view name;
  std::uint32_t uid;
  std::uint32_t gid;
  std::string_view home;
};

// The first line for which pick says yes.
template <typename Pick>
std::optional<PasswdLine> find_user(std::string_view passwd, Pick pick) {
  while (!passwd.empty()) {
    const auto parts = fields<7>(take(passwd, '\n'));
    if (!parts || (*parts)[0].empty()) continue;
    const auto uid = id_of((*parts)[2]);
    const auto gid = id_of((*parts)[3]);
    if (!uid || !gid) continue;
    const PasswdLine line{(*parts)[0], *uid, *gid, (*parts)[5]};
    if (pick(line)) return line;
  }
  return std::nullopt;
}

template <typename Visit>
void each_group(std::string_view group, Visit visit) {
  while (!group.empty()) {
    const auto parts = fields<4>(take(group, '\n'));
    if (!parts || (*parts)[0].empty()) continue;
    if (const auto gid = id_of((*parts)[2])) visit((*parts)[0], *gid, (*parts)[3]);
  }
}

bool lists(std::string_view members, std::string_view name) {
  while (!members.empty())
    if (take(members, ',') == name) return true;
  return false;
}

// An image need not have the file, but what it has must be a plain one.
std::string image_file(int rootfs, const char* path) {
  if (rootfs < 0) return {};
  const sys::UniqueFd fd = sys::try_open_in_root(rootfs, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd) return {};
  struct stat status {};
  sys::check(::fstat(fd.get(), &status), "look at the image's ", path);
  const std::string what = std::string("the image's ") + path;
  if (!S_ISREG(status.st_mode)) throw sys::Error(what + " is not a regular file");
  return sys::read_all(fd.get(), most_file_bytes, what);
}

// HOME goes into an environment and perhaps into a file: one line, one field, absolute.
std::string fit_home(std::string_view home) {
  const auto unfit = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == ':'; };
  if (!home.starts_with('/') || std::ranges::any_of(home, unfit)) return "/";
  return std::string(home);
}

struct UserWords {
  std::string_view user;
  std::string_view group;
};

UserWords split_user(std::string_view text) {
  if (text.size() > most_user_bytes || std::ranges::count(text, ':') > 1 ||
      text.find('\0') != std::string_view::npos)
    throw sys::Error("the image's user " + quoted(text) + " is not of the form USER[:GROUP]");
  UserWords words;
  words.user = take(text, ':');
  words.group = text;
  return words;
}

std::uint32_t number(std::string_view word, const char* kind) {
  if (const auto id = id_of(word)) return *id;
  throw sys::Error(std::string("the image's ") + kind + ' ' + quoted(word) +
                   " must be between 0 and 2147483647, inclusive");
}

void push_unique(std::vector<std::uint32_t>& groups, std::uint32_t gid) {
  if (std::ranges::find(groups, gid) == groups.end()) groups.push_back(gid);
}

}  // namespace

std::string non_root_violation(const UserRequest& request) {
  if (!request.run_as_non_root) return {};
  if (request.run_as_user)
    return *request.run_as_user == 0 ? "container's runAsUser breaks non-root policy" : "";
  const std::string_view user = split_user(request.image_user).user;
  if (user.empty()) return "container has runAsNonRoot and image will run as root";
  if (!all_digits(user))
    return "container has runAsNonRoot and image has non-numeric user (" +
           std::string(quoted(user), 1, quoted(user).size() - 2) +
           "), cannot verify user is non-root";
  return number(user, "user") == 0 ? "container has runAsNonRoot and image will run as root" : "";
}

Identity resolve_identity(const UserRequest& request) {
  if (const std::string violation = non_root_violation(request); !violation.empty())
    throw sys::Error(violation);

  const std::string passwd = image_file(request.rootfs, "/etc/passwd");
  const UserWords words = request.run_as_user ? UserWords{} : split_user(request.image_user);

  Identity identity;
  std::optional<PasswdLine> line;
  if (request.run_as_user || words.user.empty() || all_digits(words.user)) {
    if (request.run_as_user)
      identity.uid = *request.run_as_user;
    else if (!words.user.empty())
      identity.uid = number(words.user, "user");
    line = find_user(passwd, [&](const PasswdLine& l) { return l.uid == identity.uid; });
  } else {
    line = find_user(passwd, [&](const PasswdLine& l) { return l.name == words.user; });
    if (!line)
      throw sys::Error("unable to find user " + quoted(words.user) +
                       ": no matching entries in the image's /etc/passwd");
    identity.uid = line->uid;
  }
  if (identity.uid > highest_id)
    throw sys::Error("runAsUser must be between 0 and 2147483647, inclusive");
  if (line) {
    identity.gid = line->gid;
    identity.name = std::string(line->name);
    identity.home = fit_home(line->home);
  }

  const bool group_by_name =
      !request.run_as_group && !words.group.empty() && !all_digits(words.group);
  const bool wants_memberships = !request.strict_groups && !identity.name.empty();
  const std::string group =
      group_by_name || wants_memberships ? image_file(request.rootfs, "/etc/group") : "";
  if (request.run_as_group) {
    identity.gid = *request.run_as_group;
  } else if (group_by_name) {
    std::optional<std::uint32_t> found;
    each_group(group, [&](std::string_view name, std::uint32_t gid, std::string_view) {
      if (!found && name == words.group) found = gid;
    });
    if (!found)
      throw sys::Error("unable to find group " + quoted(words.group) +
                       ": no matching entries in the image's /etc/group");
    identity.gid = *found;
  } else if (!words.group.empty()) {
    identity.gid = number(words.group, "group");
  }

  // The primary group stands first in the list as well: otherwise a process could shed it with
  // setgid and walk past a file mode that shuts that group out (CVE-2022-2989).
  identity.groups.push_back(identity.gid);
  if (wants_memberships)
    each_group(group, [&](std::string_view, std::uint32_t gid, std::string_view members) {
      if (lists(members, identity.name)) push_unique(identity.groups, gid);
    });
  for (const std::uint32_t gid : request.supplemental_groups) push_unique(identity.groups, gid);
  if (request.fs_group) push_unique(identity.groups, *request.fs_group);
  if (identity.groups.size() > most_groups)
    throw sys::Error("user " + std::to_string(identity.uid) + " has more than 65536 groups");
  return identity;
}

}  // namespace pausa::security
