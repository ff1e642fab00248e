// driver SECONDS FOLDER [SEED]: mutates the files of a folder at random and hands them to a fuzz
// program, where there is no libFuzzer. The seed is printed, and an input that crashes is left in
// the file "crash" of the current folder.
#include <fcntl.h>
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::string input;  // what is tried at this moment

void keep_input() {
  const int file = ::open("crash", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  (void)!::write(file, input.data(), input.size());
  constexpr char words[] = "the input is in the file \"crash\"\n";
  (void)!::write(STDERR_FILENO, words, sizeof words - 1);
}

void on_abort(int) {
  keep_input();
  ::_exit(1);
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  void mutate(std::string& text, const std::string& other) {
    for (std::size_t times = 1 + below(6); times > 0; --times) mutate_once(text, other);
    constexpr std::size_t most = 64U << 10U;
    if (text.size() > most) text.resize(most);
  }

 private:
  void mutate_once(std::string& text, const std::string& other) {
    constexpr const char* words[] = {"..",
                                     "/",
                                     "\xff\xff\xff\xff",
                                     "9223372036854775807",
                                     "-1",
                                     "0",
                                     ".wh.",
                                     "[[[[",
                                     "{",
                                     "\"",
                                     "\\u0000",
                                     "sha256:",
                                     "null"};
    const std::size_t at = below(text.size() + 1);
    const std::size_t length = below(std::min<std::size_t>(text.size() - at, 64) + 1);
    switch (below(8)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ 1 << below(8));
        break;
      case 1:
        if (at < text.size()) text[at] = static_cast<char>(below(256));
        break;
      case 2:
        text.erase(at, length);
        break;
      case 3:
        text.insert(at, text.substr(below(text.size() + 1), length));
        break;
      case 4:
        text.insert(at, words[below(std::size(words))]);
        break;
      case 5:
        if (const std::string word = words[below(std::size(words))];
            at + word.size() <= text.size())
          text.replace(at, word.size(), word);
        break;
      case 6:
        text.replace(at, length, other.substr(below(other.size() + 1), 512));
        break;
      default:
        text.resize(at);
    }
  }
  std::mt19937_64 random_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::uint64_t seed =
      argc > 3 ? std::strtoull(argv[3], nullptr, 10) : std::random_device()();
  (void)std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  (void)std::fflush(stdout);
  std::vector<std::string> corpus;
  for (const auto& file : std::filesystem::directory_iterator(argv[2])) {
    std::ifstream stream(file.path(), std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>());
  }
  if (corpus.empty()) return 2;
  __sanitizer_set_death_callback(keep_input);
  (void)::signal(SIGABRT, on_abort);
  Mutator mutator(seed);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(argv[1]));
  std::uint64_t count = 0;
  const auto run = [&] {
    (void)LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
    ++count;
  };
  for (const auto& text : corpus) {
    input = text;
    run();
  }
  while (std::chrono::steady_clock::now() < end) {
    input = corpus[mutator.below(corpus.size())];
    mutator.mutate(input, corpus[mutator.below(corpus.size())]);
    run();
  }
  (void)std::printf("%llu inputs\n", static_cast<unsigned long long>(count));
}
