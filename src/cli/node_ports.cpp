#include "cli/node_ports.hpp"

#include "supervisor/taken_port.hpp"
#include "sys/error.hpp"
#include "sys/path.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <iterator>
#include <sstream>

namespace pausa::cli {
namespace {

constexpr const char* mark_file = "node-ports";
constexpr std::size_t mark_limit = 64U << 20U;

}  // namespace

std::vector<supervisor::NodePort> new_node_ports(const std::vector<ObjectPlan>& plans) {
  std::vector<supervisor::NodePort> fresh;
  for (const auto& plan : plans) {
    if (!plan.object.service || !plan.object.service->has_node_ports()) continue;
    for (const auto& port : plan.object.service->ports) {
      const auto is_same = [&port](const pod::ServicePort& old) {
        return old.node_port == port.node_port && old.protocol == port.protocol;
      };
      const auto* before = plan.before ? plan.before->service.get() : nullptr;
      // One that is still to be given out is free.
      if (port.node_port == 0 ||
          (before != nullptr && std::any_of(before->ports.begin(), before->ports.end(), is_same)))
        continue;
      const bool udp = port.protocol == pod::Protocol::udp;
      fresh.push_back({{std::nullopt, port.node_port, 0, udp}, plan.object.metadata.name, false});
    }
  }
  return fresh;
}

void tell_taken(const state::Store& store, const std::vector<supervisor::NodePort>& ports) {
  if (::geteuid() == 0) return;  // rules come before who listens
  for (const auto& [port, service, always] : ports) try {
      if (!net::listen_together(port)) supervisor::refuse_taken(port, store);
    } catch (const sys::Error& error) {
      std::cerr << "pausa: Service " << service << ": " << error.what() << "\n";
    }
}

NodePortMark::NodePortMark(const state::Store& store) : folder_(store.paths().network()) {
  if (::geteuid() == 0) return;
  std::istringstream told(
      sys::read_file_at(AT_FDCWD, folder_ + "/" + mark_file, mark_limit).value_or(""));
  for (std::string line; std::getline(told, line);) told_.insert(line);
  for (const auto& object : state::ObjectStore(store.paths()).list(pod::ObjectKind::service))
    if (object.service->has_node_ports())
      now_.insert(object.metadata.namespace_ + " " + pod::to_json(pod::object_node(object)));
}

std::set<std::string> NodePortMark::untold() const {
  std::vector<std::string> lines;
  std::set_symmetric_difference(told_.begin(), told_.end(), now_.begin(), now_.end(),
                                std::back_inserter(lines));
  std::set<std::string> namespaces;
  for (const auto& line : lines) namespaces.insert(line.substr(0, line.find(' ')));
  return namespaces;
}

void NodePortMark::keep() const {
  if (told_ == now_) return;
  std::string text;
  for (const auto& line : now_) text += line + "\n";
  const auto folder = sys::make_dirs_at(AT_FDCWD, folder_, 0700);
  sys::replace_file_at(folder.get(), mark_file, text, 0600);
}

}  // namespace pausa::cli
