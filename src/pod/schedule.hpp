// The schedule of a CronJob: read to be checked, since no clock runs here. Pure.
#pragma once

#include <string>
#include <string_view>

namespace pausa::pod {

// What is wrong with "*/5 * * * *" or "@hourly"; empty: nothing.
std::string schedule_fault(std::string_view schedule);

}  // namespace pausa::pod
