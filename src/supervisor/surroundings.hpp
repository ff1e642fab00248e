// What the machine and the store tell a pod: the answers behind fieldRef, resourceFieldRef, the
// keys of ConfigMaps and Secrets, and fileKeyRef. Everything is found out when it is asked for.
#pragma once

#include "pod/spec.hpp"
#include "pod/surroundings.hpp"
#include "state/store.hpp"

namespace pausa::supervisor {

class PodSurroundings : public pod::Surroundings {
 public:
  // All borrowed.
  PodSurroundings(const pod::Pod& pod, const state::Store& store, const state::Record& record)
      : pod_(pod), store_(store), record_(record) {}

  std::optional<pod::Object> object(pod::ObjectKind kind, const std::string& name) const override;
  std::string uid() const override { return record_.uid; }
  std::string node_name() const override;
  std::vector<std::string> pod_ips() const override;
  std::vector<std::string> host_ips() const override;
  pod::NodeSize node_size() const override;
  std::optional<std::string> file(const std::string& volume,
                                  const std::string& path) const override;

 private:
  const pod::Pod& pod_;
  const state::Store& store_;
  const state::Record& record_;
};

}  // namespace pausa::supervisor
