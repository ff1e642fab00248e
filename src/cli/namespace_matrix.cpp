#include "cli/namespace_matrix.hpp"

#include <map>
#include <utility>

namespace pausa::cli {
namespace {

// A, …, Z, A1, …, Z1, A2, …
std::string letter(std::size_t number) {
  constexpr std::size_t letters = 26;
  std::string text(1, static_cast<char>('A' + number % letters));
  if (number >= letters) text += std::to_string(number / letters);
  return text;
}

}  // namespace

Table namespace_matrix(const std::vector<NamespaceSeat>& seats, const sys::NamespaceInodes& host,
                       bool inodes) {
  Table::Row header{""};
  for (const auto& kind : sys::namespace_kinds) header.emplace_back(kind.name);
  Table table(std::move(header));
  // Inodes of two kinds are never equal, but a name of its own keeps that from mattering.
  std::map<std::pair<std::size_t, std::uint64_t>, std::string> names;
  const auto name_of = [&](std::size_t kind, std::uint64_t inode) {
    const auto [entry, fresh] = names.try_emplace({kind, inode});
    if (fresh) entry->second = letter(names.size() - 1);
    return entry->second;
  };
  for (const auto& seat : seats) {
    Table::Row row{seat.name};
    for (std::size_t kind = 0; kind < seat.inodes.size(); ++kind) {
      const auto inode = seat.inodes[kind];
      const bool hosts = inode == host[kind];
      std::string cell;
      if (inode == 0) {
        cell = "-";
      } else if (inodes) {
        cell = std::to_string(inode) + (hosts ? "*" : "");
      } else if (hosts) {
        cell = "*";
      } else {
        cell = name_of(kind, inode);
        const auto outer = seats.front().inodes[kind];
        if (sys::namespace_kinds[kind].name == "pid" && seat.nested_pid && outer != 0 &&
            outer != inode)
          cell += "<" + (outer == host[kind] ? "*" : name_of(kind, outer));
      }
      row.push_back(std::move(cell));
    }
    table.add(std::move(row));
  }
  return table;
}

}  // namespace pausa::cli
