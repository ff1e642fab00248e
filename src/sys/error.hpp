// A refusal by the kernel, as an exception with a sentence: what we were doing, to what, and why.
// Every scope on the way up prepends one noun ("container web: mount /data: Permission denied").
// Not for child zones: there a failure travels as {stage, errno}.
#pragma once

#include <errno.h>

#include <exception>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>

namespace pausa::sys {

class Error : public std::exception {
 public:
  // err: an errno value; doing: the operation and its object, without the reason.
  Error(int err, std::string doing)
      : code_(err, std::generic_category()), text_(std::move(doing) + ": " + code_.message()) {}
  // A failure that has no errno: the whole sentence is the caller's.
  explicit Error(std::string sentence) : text_(std::move(sentence)) {}

  const char* what() const noexcept override { return text_.c_str(); }
  // Zero when the failure has no errno.
  int err() const noexcept { return code_.value(); }
  std::error_code code() const noexcept { return code_; }
  void prepend(std::string_view scope) { text_.insert(0, std::string(scope) + ": "); }
  // What the user can do about it, as the last part of the sentence.
  void advise(std::string_view what_to_do) { text_.append("; ").append(what_to_do); }

 private:
  std::error_code code_;
  std::string text_;
};

// check(::open(…), "open ", path) passes the result through or throws Error with errno. The parts
// must be literals or lvalues: a call among them could overwrite errno.
template <typename T, typename... Parts>
T check(T rc, const Parts&... parts) {
  if (rc != T(-1)) return rc;
  const int err = errno;
  std::ostringstream doing;
  (doing << ... << parts);
  throw Error(err, doing.str());
}

}  // namespace pausa::sys
