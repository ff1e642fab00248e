#include "pod/resolv_conf.hpp"

#include "pod/name_files.hpp"

#include <algorithm>

namespace pausa::pod {
namespace {

constexpr std::size_t most_servers = 3;
constexpr std::size_t most_searches = 32;
constexpr std::size_t most_search_bytes = 2048;
constexpr std::string_view blanks = " \t\r";

using Words = std::vector<std::string>;

Words words_of(std::string_view line) {
  Words words;
  while (!line.empty()) {
    const auto begin = line.find_first_not_of(blanks);
    if (begin == std::string_view::npos) break;
    const auto end = std::min(line.find_first_of(blanks, begin), line.size());
    words.emplace_back(line.substr(begin, end - begin));
    line.remove_prefix(end);
  }
  return words;
}

void add(const std::string& word, Words& words) {
  if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
}

void add(const Words& more, Words& words) {
  for (const auto& word : more) add(word, words);
}

// "ndots:2" goes before "ndots:5".
void set_option(const std::string& option, Words& options) {
  const auto name = [](const std::string& text) {
    return std::string_view(text).substr(0, text.find(':'));
  };
  const auto old = std::find_if(options.begin(), options.end(), [&](const std::string& other) {
    return name(other) == name(option);
  });
  if (old == options.end())
    options.push_back(option);
  else
    *old = option;
}

std::string line(const Words& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

void cut(ResolvConf& conf, Words& notes) {
  if (conf.nameservers.size() > most_servers) {
    conf.nameservers.resize(most_servers);
    notes.push_back(
        "Nameserver limits were exceeded, some nameservers have been omitted, the applied "
        "nameserver line is: " +
        line(conf.nameservers));
  }
  std::size_t bytes = 0;
  std::size_t fitting = 0;
  while (fitting < conf.searches.size() && fitting < most_searches) {
    bytes += conf.searches[fitting].size() + (fitting > 0 ? 1 : 0);
    if (bytes > most_search_bytes) break;
    ++fitting;
  }
  if (fitting == conf.searches.size()) return;
  conf.searches.resize(fitting);
  notes.push_back(
      "Search Line limits were exceeded, some search paths have been omitted, the applied search "
      "line is: " +
      line(conf.searches));
}

}  // namespace

ResolvConf parse_resolv_conf(std::string_view text) {
  ResolvConf conf;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto words = words_of(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.size() < 2 || words[0].front() == '#' || words[0].front() == ';') continue;
    const std::string key = words[0];
    words.erase(words.begin());
    if (key == "nameserver") add(words[0], conf.nameservers);
    if (key == "domain") words.resize(1);
    if (key == "domain" || key == "search") conf.searches.clear();
    if (key == "domain" || key == "search")
      for (auto& word : words) {
        if (word.size() > 1 && word.back() == '.') word.pop_back();
        add(word, conf.searches);
      }
    if (key == "options")
      for (const auto& word : words) set_option(word, conf.options);
  }
  return conf;
}

std::string to_text(const ResolvConf& conf) {
  std::string text;
  if (!conf.searches.empty()) text += "search " + line(conf.searches) + "\n";
  for (const auto& server : conf.nameservers) text += "nameserver " + server + "\n";
  if (!conf.options.empty()) text += "options " + line(conf.options) + "\n";
  return text;
}

bool is_loopback_address(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

ResolvConf form_resolv_conf(const Pod& pod, const ResolvFacts& facts, Words& notes) {
  const auto& spec = pod.spec;
  auto policy = spec.dns_policy;
  // Who shares the host's network gets the host's names, unless it asks for the pods'; and where
  // nobody knows the pods' names there are none to ask for.
  if (policy == DnsPolicy::cluster_first && spec.host_network) policy = DnsPolicy::host;
  if (policy == DnsPolicy::cluster_first_with_host_net) policy = DnsPolicy::cluster_first;
  if (policy == DnsPolicy::cluster_first && facts.resolver.empty()) policy = DnsPolicy::host;

  ResolvConf conf;
  if (policy == DnsPolicy::cluster_first) {
    conf.nameservers = facts.resolver;
    const std::string services = std::string("svc.") + cluster_domain;
    conf.searches = {pod.metadata.namespace_ + "." + services, services, cluster_domain};
    add(facts.host.searches, conf.searches);
    conf.options = {"ndots:5"};
  } else if (policy == DnsPolicy::host) {
    conf = facts.host;
    // The host's resolver on its loopback is reached through ours, which asks the host's servers.
    const bool unreachable =
        std::any_of(conf.nameservers.begin(), conf.nameservers.end(), is_loopback_address);
    if (unreachable && !spec.host_network && !facts.resolver.empty()) {
      std::erase_if(conf.nameservers, is_loopback_address);
      conf.nameservers.insert(conf.nameservers.begin(), facts.resolver.begin(),
                              facts.resolver.end());
    }
  }
  add(spec.dns_config.nameservers, conf.nameservers);
  add(spec.dns_config.searches, conf.searches);
  for (const auto& option : spec.dns_config.options) set_option(option, conf.options);
  cut(conf, notes);
  return conf;
}

}  // namespace pausa::pod
