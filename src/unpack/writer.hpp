// Writes the entries of a layer below one directory. Every path is resolved inside it (openat2(2),
// RESOLVE_IN_ROOT), every change is made by descriptor, and the last component is never followed:
// a link that an earlier entry has planted leads nowhere but into the layer itself. The memory that
// it takes does not grow with the layer.
#pragma once

#include "sys/fd.hpp"
#include "unpack/entry.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pausa::unpack {

struct Totals {
  std::uint64_t bytes = 0;  // in files, holes not counted
  std::uint64_t entries = 0;
  std::uint64_t skipped = 0;  // device nodes that we may not make
};

// Where the entries of a layer go.
class Sink {
 public:
  Sink() = default;
  virtual ~Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  // All but the contents of a file. Throws sys::Error with the entry's name.
  virtual void add(const Entry& entry) = 0;
  // A piece of the file that was added last; the gaps between pieces are holes.
  virtual void write(std::string_view bytes, std::uint64_t offset) = 0;
  // What is set last of all.
  virtual void finish() = 0;
};

class Writer : public Sink {
 public:
  // root: borrowed, a directory. owners: whether ids can be given away (we are root in our user
  // namespace).
  Writer(int root, const Limits& limits, bool owners);

  void add(const Entry& entry) override;
  void write(std::string_view bytes, std::uint64_t offset) override;
  void finish() override;

  const Totals& totals() const { return totals_; }
  // The directories that hide what lies below them in other layers; relative, in order. Which
  // attribute says so depends on who mounts the overlay, so it is for our maker to set.
  const std::vector<std::string>& opaque() const { return opaque_; }

 private:
  int parent_of(const std::string& path);
  // Back to the time that the current folder had before entries came into it.
  void leave_folder();
  // True when a whiteout of this layer stood there.
  bool clear_place(int parent, const Entry& entry);
  void end_file();
  void add_at(int parent, const Entry& entry);
  void add_file(int parent, const Entry& entry);
  void add_directory(int parent, const Entry& entry, bool hides);
  void add_symlink(int parent, const Entry& entry) const;
  void add_hardlink(int parent, const Entry& entry) const;
  void add_node(int parent, const Entry& entry);
  void dress(int fd, const Entry& entry) const;
  void give(int parent, const Entry& entry) const;
  void white_out(int parent, const Entry& entry);
  void make_opaque(const std::string& path);

  int root_;
  Limits limits_;
  bool owners_;
  Totals totals_;
  std::string folder_path_;  // which folder_ is
  sys::UniqueFd folder_;
  timespec folder_time_{};
  Entry file_entry_;
  sys::UniqueFd file_;
  std::uint64_t file_end_ = 0;  // of what has been written
  std::uint64_t unsent_ = 0;    // of that, what the disk need not have begun with
  std::vector<std::string> opaque_;
  std::size_t opaque_bytes_ = 0;
  // Set last of all, since what is made in the folder would inherit it.
  std::map<std::string, std::string> default_acls_;
};

}  // namespace pausa::unpack
