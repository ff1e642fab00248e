#!/usr/bin/env bash
# What goes through published ports: many at once, halves that are closed, readers that are slow, much
# of it, and IPv6 alone; through the supervisor (no bridge) and through the kernel (bridge).
source "$(dirname "${BASH_SOURCE[0]}")/../support/net.sh"

head -c 64M /dev/urandom >"$work/large"
# publishing NAME PORT: a pod with three ports.
publishing() {
  busybox_pod "$1" '' 'command: [sleep, "3600"]' "ports: [{containerPort: 80, hostPort: $2},
      {containerPort: 81, hostPort: $(($2 + 1))}, {containerPort: 82, hostPort: $(($2 + 2))}]"
}
# serve POD ADDRESS: on port 80 of the pod's address an echo until the client has said all, on 81 the
# large file, on 82 the same sixteen times. Ends with the pod.
serve() {
  in_pod "$1" perl -MIO::Socket::IP -MIO::Select -e '
    $SIG{CHLD} = "IGNORE"; my ($address, $file) = @ARGV;
    my @all = map { IO::Socket::IP->new(LocalHost => $address, LocalPort => $_, Listen => 1000,
      ReuseAddr => 1) or die } 80 .. 82;
    my $ready = IO::Select->new(@all);
    while (1) { for my $l ($ready->can_read) { my $s = $l->accept or next; next if fork;
      if ($l->sockport == 80) { syswrite $s, $_ while sysread $s, $_, 65536 }
      else { for (1 .. ($l->sockport == 81 ? 1 : 16)) { open my $f, "<", $file;
        while (sysread $f, my $part, 1 << 18) { my $at = 0;
          $at += syswrite($s, $part, length($part) - $at, $at) || exit while $at < length $part } } }
      exit } }' "$2" "$work/large" >"$work/perl" 2>&1 &
  server=$!
}
# perl's IO::Socket::IP is in its core; ARGV: address, port, and what the script wants.
client() { "${@:4}" timeout 240 perl -MIO::Socket::IP -MDigest::SHA -e 'my ($address, $port) = @ARGV;
  sub dial { my $s = IO::Socket::IP->new(PeerHost => $address, PeerPort => $port, Timeout => 20)
    or die "connect: $@"; binmode $s; $s } sub sum { my $d = Digest::SHA->new(256);
    $d->addfile($_[0]); $d->hexdigest } '"$1" "$2" "$3"; }
# shellcheck disable=SC2016
many='my @s = map { dial() } 1 .. 500; for (@s) { syswrite $_, "hello"; shutdown $_, 1 }
  my $good = grep { my $s = $_; local $/; (readline($s) // "") eq "hello" } @s; print $good'
# shellcheck disable=SC2016
slow='my $s = dial(); my $d = Digest::SHA->new(256); sysread $s, my $first, 1; $d->add($first);
  mkdir "$ENV{PAUSA_ROOT}/begun"; select undef, undef, undef, 0.02 until -e "$ENV{PAUSA_ROOT}/go";
  $d->addfile($s); print $d->hexdigest'
# shellcheck disable=SC2016
whole='print sum(dial())'
# How our side of a connection is told to go about congestion; it stays open meanwhile.
# shellcheck disable=SC2016
held='my $s = dial(); print $s "x"; sysread $s, my $x, 1; print "$x\n"; close STDOUT; sleep 60'
sum=$(sha256sum <"$work/large")
sum16=$(for _ in $(seq 16); do cat "$work/large"; done | sha256sum)
answers() { [[ $(client 'my $s = dial(); print $s "x"; shutdown $s, 1; print <$s>' "$@") == x ]]; }

# ---- through the supervisor
up --network none "$(publishing plain 8080)"
serve plain 127.0.0.1
eventually "it answers" answers 127.0.0.1 8080
client "$held" 127.0.0.1 8080 >"$work/held" &
holder=$!
eventually "a connection is held" test -s "$work/held"
match "what is inside one machine is not paced: to the server" \
  "$(in_pod plain ss -tinH state established 'dport = :80')" ' reno '
match "and to a client of the host" "$(ss -tinH state established 'sport = :8080')" ' reno '
kill $holder
wait $holder || true
same "500 at once, each closes its half" 500 "$(client "$many" 198.51.100.1 8080 outside)"
rss() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$(field plain .pausa.supervisor.pid)/status"; }
before=$(rss)
eventually "the large file comes" eval '[[ $(client "$whole" 127.0.0.1 8081) == "${sum%% *}" ]]'
client "$slow" 198.51.100.1 8081 outside >"$work/slow" &
reader=$!
eventually "a slow reader has begun" test -d "$PAUSA_ROOT/begun"
eventually "its server has written what fits" eval '[[ $(ss -tnH state established "sport = :8081" | awk "{ print \$2 }" | sort -n | tail -1) -gt 0 ]]'
between "what it does not read is not in the supervisor, KiB" 0 "$(rss)" $((before + 4096))
touch "$PAUSA_ROOT/go"
check "it reads on" wait $reader
same "and gets all" "${sum%% *}" "$(<"$work/slow")"
rm -r "$PAUSA_ROOT/begun" "$PAUSA_ROOT/go"
same "1 GiB has the same sum" "${sum16%% *}" "$(client "$whole" 198.51.100.1 8082 outside)"

# ---- between members, over the pod's own loopback
# shellcheck disable=SC2016
swallow='my $s = dial(); 1 while sysread $s, my $part, 1 << 20'
in_the_pod() { client "$whole" "$1" 82 in_pod plain; }
# Bytes and packets on the pod's loopback, answers and all.
counters() { in_pod plain awk -F'[: ]+' '$2 == "lo" { print $3, $4 }' /proc/net/dev; }
same "1 GiB between members has the same sum" "${sum16%% *}" "$(in_the_pod 127.0.0.1)"
if [[ $(printf '%s\n' 6.3 "$(uname -r)" | sort -V | head -1) == 6.3 ]]; then
  read -r bytes packets < <(counters)
  client "$swallow" 127.0.0.1 82 in_pod plain
  read -r bytes_then packets_then < <(counters)
  between "in pieces of more than 64 KiB, by and large" 65537 \
    $(((bytes_then - bytes) / (packets_then - packets))) 524288
else
  echo "skipped: pieces of more than 64 KiB need Linux 6.3"
fi
kill $server
serve plain ::1
eventually "a server on ::1" in_pod plain perl -MIO::Socket::IP -e \
  'exit !IO::Socket::IP->new(PeerHost => "::1", PeerPort => 82)'
same "by IPv6, too" "${sum16%% *}" "$(in_the_pod ::1)"
kill $server
expect_exit 0 pausa down plain

# ---- through the kernel
up --network bridge "$(publishing bridged 8080)"
serve bridged 0.0.0.0
mapped() { (($(nft list map inet pausa-pausa0 "$1" | grep -o 'tcp \. 808[0-2]' | wc -l) == $2)); }
eventually "it answers" eval 'answers 127.0.0.1 8080 && mapped any4 1'
same "500 at once" 500 "$(client "$many" 198.51.100.1 8080 outside)"
same "on the loopback" 500 "$(client "$many" 127.0.0.1 8080)"
eventually "the large file" eval '[[ $(client "$whole" 127.0.0.1 8081) == "${sum%% *}" ]] && mapped any4 2'
same "by the kernel" "${sum%% *}" "$(client "$whole" 198.51.100.1 8081 outside)"
kill $server
expect_exit 0 pausa down bridged

# ---- IPv6 alone
up --network bridge "$(publishing six 8080)"
serve six ::
eventually "by IPv6" eval 'answers 2001:db8:51::1 8080 && mapped any6 1'
same "500 at once, by the kernel" 500 "$(client "$many" 2001:db8:51::1 8080 outside)"
kill $server
expect_exit 0 pausa down six
