// The part of Go's templates that people use in `--format '{{.status.phase}}'`:
//   {{.a.b}}  {{.}}  {{json .a}}  {{.a | json}}  {{index .a 0 "key"}}  {{len .a}}  {{join .a ","}}
//   {{upper .a}}  {{lower .a}}  {{"text"}}  {{range .a}}…{{else}}…{{end}}  {{if
//   .a}}…{{else}}…{{end}}
// with the trim marks {{- and -}}. The template "json" alone means the whole value as JSON. Pure.
#pragma once

#include "pod/node.hpp"

#include <string>
#include <string_view>

namespace pausa::cli {

// Throws UsageError: for a template that is none, and for a field that is not there, with the names
// of those that are.
std::string render_template(std::string_view text, const pod::Node& value);

}  // namespace pausa::cli
