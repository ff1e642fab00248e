#include "pod/environment.hpp"

#include "pod/key_values.hpp"
#include "pod/quantity.hpp"
#include "pod/value.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

std::string joined(const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += (out.empty() ? "" : ",") + text;
  return out;
}

// As %q of Go: quotes, backslashes and control characters escaped.
std::string go_quoted(std::string_view text) {
  constexpr std::string_view plain = "\a\b\f\n\r\t\v\\\"";
  constexpr std::string_view escaped = "abfnrtv\\\"";
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (const std::size_t at = plain.find(c); at != std::string_view::npos)
      (out += '\\') += escaped[at];
    else if (byte < 0x20 || byte == 0x7f)
      ((out += "\\x") += hex[byte >> 4U]) += hex[byte & 0xfU];
    else
      out += c;
  }
  return out + '"';
}

std::string lines_of(KeyValues values) {
  std::sort(values.begin(), values.end());
  std::string out;
  for (const auto& [key, value] : values)
    out += (out.empty() ? "" : "\n") + key + "=" + go_quoted(value);
  return out;
}

std::string_view kind_word(bool secret) {
  return resource_name(secret ? ObjectKind::secret : ObjectKind::config_map);
}

// Collects what the variables of one container need.
class Resolver {
 public:
  Resolver(const Pod& pod, const Container& container, const Surroundings& surroundings,
           bool lenient)
      : pod_(pod), container_(container), surroundings_(surroundings), lenient_(lenient) {}

  Environment resolve() {
    for (const EnvFrom& source : container_.env_from) add_all(source);
    out_.outside.values.resize(container_.env.size());
    for (std::size_t i = 0; i < container_.env.size(); ++i) {
      const EnvVar& variable = container_.env[i];
      if (!variable.from) continue;
      auto value =
          std::visit([this](const auto& source) { return value_of(source); }, *variable.from);
      if (value && value->find('\0') != std::string::npos)
        fault("its value holds a NUL byte, which no variable can");
      if (missing_ && !out_.fault) out_.fault = "env " + quoted(variable.name) + ": " + *missing_;
      missing_.reset();
      out_.outside.values[i] = std::move(value);
    }
    return std::move(out_);
  }

 private:
  std::optional<std::string> fault(std::string text) {
    missing_ = std::move(text);
    return std::nullopt;
  }
  std::optional<std::string> missing(bool optional, std::string text) {
    if (optional || lenient_) return std::nullopt;
    return fault(std::move(text));
  }

  // Each object is read once, and all is seen as of one moment.
  const Object* object(bool secret, const std::string& name) {
    const auto kind = secret ? ObjectKind::secret : ObjectKind::config_map;
    for (const auto& [known, found] : objects_)
      if (known == std::pair(kind, name)) return found ? &*found : nullptr;
    auto& entry = objects_.emplace_back(std::pair(kind, name), surroundings_.object(kind, name));
    return entry.second ? &*entry.second : nullptr;
  }

  void add_all(const EnvFrom& source) {
    const Object* const from = object(source.secret, source.name);
    if (!from) {
      if (!source.optional && !lenient_ && !out_.fault)
        out_.fault =
            concat({"envFrom: ", kind_word(source.secret), " ", quoted(source.name), " not found"});
      return;
    }
    for (const auto& [key, value] : from->data) {
      if (value.find('\0') != std::string::npos && !out_.fault)
        out_.fault = concat({"envFrom: ", kind_word(source.secret), " ", quoted(source.name),
                             " key ", quoted(key), ": it holds a NUL byte, which no variable can"});
      const std::string name = source.prefix + key;
      auto& all = out_.outside.from;
      const auto old = std::find_if(all.begin(), all.end(),
                                    [&](const auto& entry) { return entry.first == name; });
      if (old != all.end())
        old->second = value;
      else
        all.emplace_back(name, value);
    }
  }

  std::optional<std::string> value_of(const KeyRef& ref) {
    const Object* const from = object(ref.secret, ref.name);
    if (!from)
      return missing(ref.optional,
                     concat({kind_word(ref.secret), " ", quoted(ref.name), " not found"}));
    // A variable is text: binaryData does not count.
    const std::string* const value = find_value(from->data, ref.key);
    if (value) return *value;
    return missing(ref.optional, concat({kind_word(ref.secret), " ", quoted(ref.name), " key ",
                                         quoted(ref.key), " not found"}));
  }
  std::optional<std::string> value_of(const FieldRef& ref) {
    return field_text(pod_, ref, surroundings_);
  }
  std::optional<std::string> value_of(const ResourceRef& ref) {
    return resource_text(pod_, &container_, ref, surroundings_);
  }
  std::optional<std::string> value_of(const FileKeyRef& ref) {
    const auto text = surroundings_.file(ref.volume, ref.path);
    const std::string where =
        concat({"file ", quoted(ref.path), " of volume ", quoted(ref.volume)});
    if (!text) return missing(ref.optional, where + " not found");
    EnvFileValue found = find_in_env_file(*text, ref.key);
    if (found.fault) return lenient_ ? std::nullopt : fault(where + ": " + *found.fault);
    if (found.value) return found.value;
    return missing(ref.optional, where + " has no variable " + quoted(ref.key));
  }

  const Pod& pod_;
  const Container& container_;
  const Surroundings& surroundings_;
  bool lenient_;
  Environment out_;
  std::optional<std::string> missing_;
  std::vector<std::pair<std::pair<ObjectKind, std::string>, std::optional<Object>>> objects_;
};

std::int64_t rounded_up(std::int64_t value, std::int64_t divisor) {
  return value / divisor + (value % divisor > 0 ? 1 : 0);
}

const Container* find_container(const Spec& spec, const std::string& name) {
  for (const auto* list : {&spec.containers, &spec.init_containers})
    for (const Container& container : *list)
      if (container.name == name) return &container;
  return nullptr;
}

bool is_name_byte(char c) {
  return c > ' ' && c < 0x7f && c != '=' && c != '\'' && c != '#';
}

}  // namespace

Environment outside_env(const Pod& pod, const Container& container,
                        const Surroundings& surroundings, bool lenient) {
  return Resolver(pod, container, surroundings, lenient).resolve();
}

std::string field_text(const Pod& pod, const FieldRef& ref, const Surroundings& surroundings) {
  const auto one = [&](const KeyValues& values) {
    const std::string* const value = find_value(values, ref.key);
    return value ? *value : std::string();
  };
  const auto first = [](const std::vector<std::string>& texts) {
    return texts.empty() ? std::string() : texts.front();
  };
  switch (ref.field) {
    case PodField::name:
      return pod.metadata.name;
    case PodField::namespace_:
      return pod.metadata.namespace_;
    case PodField::uid:
      return surroundings.uid();
    case PodField::labels:
      return lines_of(pod.metadata.labels);
    case PodField::annotations:
      return lines_of(pod.metadata.annotations);
    case PodField::label:
      return one(pod.metadata.labels);
    case PodField::annotation:
      return one(pod.metadata.annotations);
    case PodField::node_name:
      return pod.spec.node_name.empty() ? surroundings.node_name() : pod.spec.node_name;
    case PodField::service_account:
      return pod.spec.service_account.empty() ? "default" : pod.spec.service_account;
    case PodField::host_ip:
      return first(surroundings.host_ips());
    case PodField::host_ips:
      return joined(surroundings.host_ips());
    case PodField::pod_ip:
      return first(surroundings.pod_ips());
    case PodField::pod_ips:
      return joined(surroundings.pod_ips());
  }
  return {};
}

std::string resource_text(const Pod& pod, const Container* self, const ResourceRef& ref,
                          const Surroundings& surroundings) {
  const Container* const container =
      ref.container.empty() ? self : find_container(pod.spec, ref.container);
  const Resources none;
  const Resources& set = container ? container->resources : none;
  const auto limit = [&](const std::optional<std::int64_t>& value, std::int64_t NodeSize::*size) {
    return value ? *value : surroundings.node_size().*size;
  };
  std::int64_t amount = 0;
  switch (ref.resource) {
    case ResourceName::limit_cpu:
      amount = limit(set.limit_cpu_milli, &NodeSize::cpu_milli);
      break;
    case ResourceName::limit_memory:
      amount = limit(set.limit_memory_bytes, &NodeSize::memory_bytes);
      break;
    case ResourceName::limit_storage:
      amount = limit(set.limit_storage_bytes, &NodeSize::storage_bytes);
      break;
    case ResourceName::request_cpu:
      amount = set.request_cpu_milli.value_or(0);
      break;
    case ResourceName::request_memory:
      amount = set.request_memory_bytes.value_or(0);
      break;
    case ResourceName::request_storage:
      amount = set.request_storage_bytes.value_or(0);
      break;
    case ResourceName::other:
      break;
  }
  return std::to_string(rounded_up(amount, ref.divisor));
}

EnvFileValue find_in_env_file(std::string_view text, std::string_view name) {
  EnvFileValue out;
  std::size_t line = 1;
  const auto fail = [&](std::string_view why) {
    out.fault = "line " + std::to_string(line) + ": " + std::string(why);
    out.value.reset();
    return out;
  };
  std::size_t at = 0;
  const auto skip_blanks = [&] {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r')) ++at;
  };
  const auto skip_comment = [&] {
    if (at < text.size() && text[at] == '#') at = std::min(text.find('\n', at), text.size());
  };
  while (at < text.size()) {
    skip_blanks();
    skip_comment();
    if (at == text.size()) break;
    if (text[at] == '\n') {
      ++at;
      ++line;
      continue;
    }
    const std::size_t begin = at;
    while (at < text.size() && is_name_byte(text[at])) ++at;
    const std::string_view variable = text.substr(begin, at - begin);
    if (variable.empty() || at == text.size() || text[at] != '=')
      return fail("it must read NAME='value'");
    if (++at == text.size() || text[at] != '\'') return fail("a value stands in single quotes");
    const std::size_t close = text.find('\'', at + 1);
    if (close == std::string_view::npos) return fail("the quote is not closed");
    const std::string_view value = text.substr(at + 1, close - at - 1);
    if (variable == name) out.value = std::string(value);
    line += static_cast<std::size_t>(std::count(value.begin(), value.end(), '\n'));
    at = close + 1;
    skip_blanks();
    skip_comment();
    if (at < text.size() && text[at] != '\n') return fail("something follows the value");
  }
  return out;
}

}  // namespace pausa::pod
