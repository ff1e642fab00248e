// The nodes of a document while it is read: which lists and maps are open, which keys they have
// had, what the anchors mean. Internal to the manifest room; pure.
#pragma once

#include "pod/node.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace pausa::manifest {

class Tree {
 public:
  using Anchor = std::size_t;  // 0: none

  std::size_t depth() const { return frames_.size(); }
  // In a map whose next node is a key.
  bool expects_key() const;
  // In a map whose next node is the value of this key; else nullptr.
  const pod::Mark* open_key() const;
  // The field path of what comes next, or of the key just read.
  std::string path_here() const;

  // Puts a node where the document has come to; opens it when it is a list or map that goes on.
  void add(pod::Node node, Anchor anchor, bool open);
  void close();
  // The next value's. Returns where this map has had the same key before.
  std::optional<pod::Mark> add_key(const pod::Node& key);
  // The key just read, and its value, will be missing in the end: they are kept while reading, so
  // that the paths of anchors stay true.
  void refuse_key();

  // nullptr: the node is not complete, or there is none.
  const pod::Node* find(Anchor anchor) const;

  pod::Node take();

 private:
  // The place of a node in the tree, which stays true while nodes are added around it.
  using Path = std::vector<std::size_t>;
  struct Anchored {
    Path path;
    bool complete = false;
  };
  struct Frame {
    pod::Node* node;  // a list or map under construction; stable, as only its child grows meanwhile
    Anchor anchor = 0;
    bool has_key = false;                               // a map whose next node is a value
    std::unordered_map<std::string, pod::Mark> keys{};  // of a map, with the place of each
  };

  pod::Node* attach(pod::Node node);
  Path path_of_frames() const;
  void value_done();
  void drop_keys(pod::Node& node) const;

  pod::Node root_;
  std::vector<Frame> frames_;
  std::unordered_map<Anchor, Anchored> anchors_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> refused_;  // keys, by line and column
};

// Keys count as nodes.
std::size_t count_nodes(const pod::Node& node);
// How deep lists and maps nest.
std::size_t height(const pod::Node& node);

}  // namespace pausa::manifest
