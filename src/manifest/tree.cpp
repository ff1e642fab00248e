#include "manifest/tree.hpp"

#include <algorithm>

namespace pausa::manifest {

using pod::Mark;
using pod::Node;

bool Tree::expects_key() const {
  return !frames_.empty() && frames_.back().node->is_map() && !frames_.back().has_key;
}

const Mark* Tree::open_key() const {
  if (frames_.empty() || !frames_.back().node->is_map() || !frames_.back().has_key) return nullptr;
  return &frames_.back().node->entries.back().key_mark;
}

std::string Tree::path_here() const {
  std::string path;
  for (const Frame& frame : frames_) {
    const bool innermost = &frame == &frames_.back();
    if (frame.node->is_list()) {
      const std::size_t size = frame.node->items.size();
      path += "[" + std::to_string(innermost ? size : size - 1) + "]";
    } else if (!innermost || frame.has_key) {
      const std::string& name = frame.node->entries.back().key;
      if (!path.empty()) path += '.';
      path += name;
    }
  }
  return path;
}

void Tree::add(Node node, Anchor anchor, bool open) {
  Node* const made = attach(std::move(node));
  if (anchor != 0) anchors_[anchor] = {path_of_frames(), !open};
  if (open)
    frames_.push_back({made, anchor});
  else
    value_done();
}

void Tree::close() {
  const Frame done = std::move(frames_.back());
  frames_.pop_back();
  if (done.anchor != 0) anchors_[done.anchor].complete = true;
  value_done();
}

std::optional<Mark> Tree::add_key(const Node& key) {
  Frame& frame = frames_.back();
  frame.node->entries.push_back({key.text, key.mark, {}});
  frame.has_key = true;
  const auto [first, fresh] = frame.keys.emplace(key.text, key.mark);
  return fresh ? std::nullopt : std::optional(first->second);
}

void Tree::refuse_key() {
  const Mark& mark = frames_.back().node->entries.back().key_mark;
  refused_.insert({mark.line, mark.column});
}

const Node* Tree::find(Anchor anchor) const {
  const auto at = anchors_.find(anchor);
  if (at == anchors_.end() || !at->second.complete) return nullptr;
  const Node* node = &root_;
  for (const std::size_t index : at->second.path)
    node = node->is_list() ? &node->items[index] : &node->entries[index].value;
  return node;
}

Node Tree::take() {
  if (!refused_.empty()) drop_keys(root_);
  return std::move(root_);
}

Node* Tree::attach(Node node) {
  if (frames_.empty()) {
    root_ = std::move(node);
    return &root_;
  }
  Node& parent = *frames_.back().node;
  if (parent.is_list()) {
    parent.items.push_back(std::move(node));
    return &parent.items.back();
  }
  Node& value = parent.entries.back().value;
  value = std::move(node);
  return &value;
}

// Of the node attached last.
Tree::Path Tree::path_of_frames() const {
  Path path;
  for (const Frame& frame : frames_) {
    const Node& node = *frame.node;
    path.push_back((node.is_list() ? node.items.size() : node.entries.size()) - 1);
  }
  return path;
}

void Tree::value_done() {
  if (!frames_.empty()) frames_.back().has_key = false;
}

void Tree::drop_keys(Node& node) const {
  std::erase_if(node.entries, [this](const pod::Entry& entry) {
    return refused_.count({entry.key_mark.line, entry.key_mark.column}) > 0;
  });
  for (pod::Entry& entry : node.entries) drop_keys(entry.value);
  for (Node& item : node.items) drop_keys(item);
}

std::size_t count_nodes(const Node& node) {
  std::size_t sum = 1;
  for (const Node& item : node.items) sum += count_nodes(item);
  for (const pod::Entry& entry : node.entries) sum += 1 + count_nodes(entry.value);
  return sum;
}

std::size_t height(const Node& node) {
  std::size_t most = 0;
  for (const Node& item : node.items) most = std::max(most, height(item));
  for (const pod::Entry& entry : node.entries) most = std::max(most, height(entry.value));
  return most + (node.is_list() || node.is_map() ? 1 : 0);
}

}  // namespace pausa::manifest
