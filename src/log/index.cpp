#include "log/index.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace pausa::log {
namespace {

std::optional<Record> record_at(int fd, std::uint64_t number) noexcept {
  Record record;
  const auto at = static_cast<off_t>(number * sizeof record);
  if (::pread(fd, &record, sizeof record, at) != static_cast<ssize_t>(sizeof record))
    return std::nullopt;
  return record;
}

}  // namespace

void IndexCursor::start(int fd) noexcept {
  fd_ = fd;
  at_ = 0;
  begin_ = 0;
}

void IndexCursor::read(std::uint64_t from, std::uint64_t until, std::vector<Entry>& entries) {
  entries.clear();
  std::array<Record, 256> records;
  std::uint64_t newest_begin = begin_;
  bool any = false;
  while (fd_ >= 0) {
    const ssize_t got = ::pread(fd_, records.data(), sizeof records, static_cast<off_t>(at_));
    const std::size_t count = got > 0 ? static_cast<std::size_t>(got) / sizeof(Record) : 0;
    for (std::size_t i = 0; i < count; ++i) {
      const Record& record = records[i];
      Entry entry{begin_, begin_, record.time, record.lost_bytes(), at_, false};
      if (!record.is_loss()) entry.end = std::max(begin_, record.value);
      if (entry.end > from || (record.is_loss() && entry.begin >= from)) entries.push_back(entry);
      if (!record.is_loss() && entry.end >= until) return;
      newest_begin = begin_;
      any = true;
      begin_ = entry.end;
      at_ += sizeof(Record);
    }
    if (count < records.size()) break;
  }
  if (!any) return;
  begin_ = newest_begin;
  at_ -= sizeof(Record);
  if (!entries.empty()) entries.back().last = true;
}

std::optional<std::uint64_t> first_byte_since(int index, std::uint64_t since) noexcept {
  struct stat st {};
  if (index < 0 || ::fstat(index, &st) < 0) return std::nullopt;
  std::uint64_t low = 0, high = static_cast<std::uint64_t>(st.st_size) / sizeof(Record);
  const std::uint64_t count = high;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    const auto record = record_at(index, middle);
    if (!record) return std::nullopt;
    if (record->time < since) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == count) return std::nullopt;
  while (low > 0)
    if (const auto before = record_at(index, --low); before && !before->is_loss())
      return before->value;
  return 0;
}

}  // namespace pausa::log
