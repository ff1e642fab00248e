#include "cgroup/devices.hpp"

#include "sys/error.hpp"

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace pausa::cgroup {
namespace {

int bpf(int command, bpf_attr& attr) noexcept {
  return static_cast<int>(::syscall(SYS_bpf, command, &attr, sizeof attr));
}

std::uint64_t address(const void* pointer) noexcept {
  return reinterpret_cast<std::uintptr_t>(pointer);
}

bpf_insn instruction(int code, unsigned to, unsigned from, std::int16_t offset,
                     std::int32_t value) {
  bpf_insn made{};
  made.code = static_cast<std::uint8_t>(code);
  made.dst_reg = to & 0xfU;
  made.src_reg = from & 0xfU;
  made.off = offset;
  made.imm = value;
  return made;
}
bpf_insn load_word(unsigned to, unsigned from, std::size_t offset) {
  return instruction(BPF_LDX | BPF_MEM | BPF_W, to, from, static_cast<std::int16_t>(offset), 0);
}
bpf_insn and_value(unsigned reg, std::int32_t value) {
  return instruction(BPF_ALU | BPF_AND | BPF_K, reg, 0, 0, value);
}
bpf_insn skip_unless(unsigned reg, std::int32_t value, std::int16_t skipped) {
  return instruction(BPF_JMP | BPF_JNE | BPF_K, reg, 0, skipped, value);
}
bpf_insn answer(std::int32_t value) {
  return instruction(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, value);
}
bpf_insn leave() {
  return instruction(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

// For each device: does the type fit, the major, the minor? Then 1. At the end 0.
std::vector<bpf_insn> program_for(const std::vector<Device>& allowed) {
  std::vector<bpf_insn> code = {
      load_word(2, 1, offsetof(bpf_cgroup_dev_ctx, access_type)),
      and_value(2, 0xffff),  // the upper half says read, write or mknod: a device has all or none
      load_word(3, 1, offsetof(bpf_cgroup_dev_ctx, major)),
      load_word(4, 1, offsetof(bpf_cgroup_dev_ctx, minor)),
  };
  for (const Device& device : allowed) {
    const bool any_minor = device.minor < 0;
    const std::int32_t type = device.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
    code.push_back(skip_unless(2, type, any_minor ? 3 : 4));
    code.push_back(skip_unless(3, static_cast<std::int32_t>(device.major), any_minor ? 2 : 3));
    if (!any_minor) code.push_back(skip_unless(4, device.minor, 2));
    code.push_back(answer(1));
    code.push_back(leave());
  }
  code.push_back(answer(0));
  code.push_back(leave());
  return code;
}

}  // namespace

const std::vector<Device>& container_devices() {
  static const std::vector<Device> devices = {{'c', 1, 3}, {'c', 1, 5}, {'c', 1, 7},
                                              {'c', 1, 8}, {'c', 1, 9}, {'c', 5, 0},
                                              {'c', 5, 1}, {'c', 5, 2}, {'c', 136, -1}};
  return devices;
}

std::string v1_rule(const Device& device) {
  const std::string minor = device.minor < 0 ? "*" : std::to_string(device.minor);
  return std::string(1, device.type) + " " + std::to_string(device.major) + ":" + minor + " rwm";
}

sys::UniqueFd load_filter(const std::vector<Device>& allowed) {
  static constexpr char license[] = "Apache-2.0";  // no GPL-only helper is called
  const std::vector<bpf_insn> code = program_for(allowed);
  bpf_attr attr{};
  attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attr.insns = address(code.data());
  attr.insn_cnt = static_cast<std::uint32_t>(code.size());
  attr.license = address(license);
  return sys::UniqueFd(bpf(BPF_PROG_LOAD, attr));
}

void attach_filter(int group_dir, int filter) {
  bpf_attr query{};
  query.query.target_fd = static_cast<std::uint32_t>(group_dir);
  query.query.attach_type = BPF_CGROUP_DEVICE;
  sys::check(bpf(BPF_PROG_QUERY, query), "look for a device filter");
  if (query.query.prog_cnt > 0) return;  // an earlier life of this group was given one
  bpf_attr attach{};
  attach.target_fd = static_cast<std::uint32_t>(group_dir);
  attach.attach_bpf_fd = static_cast<std::uint32_t>(filter);
  attach.attach_type = BPF_CGROUP_DEVICE;
  // A filter of an outer group (systemd's DeviceAllow, a container around us) goes on to hold.
  attach.attach_flags = BPF_F_ALLOW_MULTI;
  sys::check(bpf(BPF_PROG_ATTACH, attach), "attach the device filter");
}

}  // namespace pausa::cgroup
