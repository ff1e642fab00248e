// The verbs, one file each. Every run_* takes the words after the verb and gives the exit code;
// every *_options gives the table for --help.
#pragma once

#include "cli/command.hpp"

namespace pausa::cli {

int run_up(const Arguments& arguments);
std::string up_options();
int run_bring_image(const Arguments& arguments);
int run_run_job(const Arguments& arguments);
std::string run_job_options();
int run_diff(const Arguments& arguments);
std::string diff_options();
int run_down(const Arguments& arguments);
std::string down_options();
int run_ps(const Arguments& arguments);
std::string ps_options();
int run_logs(const Arguments& arguments);
std::string logs_options();
int run_exec(const Arguments& arguments);
std::string exec_options();
int run_condition(const Arguments& arguments);
std::string condition_options();
int run_debug(const Arguments& arguments);
std::string debug_options();
int run_stop(const Arguments& arguments);
std::string stop_options();
int run_start(const Arguments& arguments);
std::string start_options();
int run_restart(const Arguments& arguments);
std::string restart_options();
int run_rm(const Arguments& arguments);
std::string rm_options();
int run_wait(const Arguments& arguments);
std::string wait_options();
int run_why(const Arguments& arguments);
std::string why_options();
int run_events(const Arguments& arguments);
std::string events_options();
int run_inspect(const Arguments& arguments);
std::string inspect_options();
int run_generate(const Arguments& arguments);
std::string generate_options();
int run_ns(const Arguments& arguments);
std::string ns_options();
int run_port(const Arguments& arguments);
std::string port_options();
int run_port_forward(const Arguments& arguments);
std::string port_forward_options();
int run_image(const Arguments& arguments);
std::string image_options();

int run_network(const Arguments& arguments);
std::string network_options();
int run_policy(const Arguments& arguments);
std::string policy_options();
int run_service(const Arguments& arguments);
std::string service_options();
int run_volume(const Arguments& arguments);
std::string volume_options();
int run_version(const Arguments& arguments);
std::string version_options();
int run_explain(const Arguments& arguments);
std::string explain_options();
int run_validate(const Arguments& arguments);
std::string validate_options();
int run_describe(const Arguments& arguments);
std::string describe_options();
int run_doctor(const Arguments& arguments);
std::string doctor_options();
int run_reset(const Arguments& arguments);
std::string reset_options();
int run_system(const Arguments& arguments);
std::string system_options();
int run_completion(const Arguments& arguments);
std::string completion_options();
int run_complete(const Arguments& arguments);
int run_manual(const Arguments& arguments);
int run_keep_job(const Arguments& arguments);
int run_supervise(const Arguments& arguments);

}  // namespace pausa::cli
