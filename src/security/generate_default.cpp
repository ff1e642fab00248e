// A program of the build: reads the built-in profile and prints it as the tables of
// security/seccomp.hpp, so that no start has to parse it.
#include "security/seccomp.hpp"

#include <fstream>
#include <iostream>
#include <iterator>

namespace {

using namespace pausa::security;

void print(const Profile& profile, std::ostream& out) {
  out << "// Generated from data/seccomp.json by generate_default.cpp.\n";
  out << "constexpr ArgTest tests[] = {\n";
  for (const ArgTest& test : profile.tests)
    out << "{" << int{test.index} << ", static_cast<Compare>(" << static_cast<int>(test.compare)
        << "), " << test.value << "u, " << test.value_two << "u},\n";
  out << "};\nconstexpr Rule rules[] = {\n";
  for (const Rule& rule : profile.rules)
    out << "{" << rule.verdict << "u, {" << rule.needs.bits << "u}, {" << rule.unless.bits
        << "u}, {" << rule.since.major << ", " << rule.since.minor << "}, {" << rule.until.major
        << ", " << rule.until.minor << "}, " << rule.first_test << ", " << rule.test_count
        << "},\n";
  out << "};\n";
  for (std::size_t i = 0; i < profile.calls.size(); ++i) {
    out << "constexpr SyscallRule calls_" << i << "[] = {\n";
    for (const SyscallRule& call : profile.calls[i])
      out << "{" << call.number << ", " << call.rule << "},\n";
    out << "};\n";
  }
  out << "constexpr SyscallTable tables[] = {\n";
  for (std::size_t i = 0; i < profile.tables.size(); ++i)
    out << "{" << profile.tables[i].audit_arch << "u, " << (profile.tables[i].x32 ? 1 : 0)
        << " != 0, calls_" << i << "},\n";
  out << "};\nconstexpr ProfileView built_in{" << profile.default_verdict << "u, " << profile.flags
      << "u, tables, rules, tests};\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: generate_default PROFILE.json OUTPUT\n";
    return 2;
  }
  try {
    std::ifstream in(argv[1]);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    std::ofstream out(argv[2]);
    print(load_profile(text), out);
    out.close();
    if (in && out) return 0;
    std::cerr << "generate_default: cannot read " << argv[1] << " or write " << argv[2] << '\n';
  } catch (const std::exception& error) {
    std::cerr << argv[1] << ": " << error.what() << '\n';
  }
  return 1;
}
