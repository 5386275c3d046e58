/** linux/capability.h, in the order of their bits. */
const capabilities = [
  ...['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP'],
  ...['LINUX_IMMUTABLE', 'NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'IPC_OWNER'],
  ...['SYS_MODULE', 'SYS_RAWIO', 'SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE'],
  ...['SYS_RESOURCE', 'SYS_TIME', 'SYS_TTY_CONFIG', 'MKNOD', 'LEASE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP'],
  ...['MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG', 'WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ', 'PERFMON', 'BPF'],
  'CHECKPOINT_RESTORE',
].map((name) => `CAP_${name}`);

/**
 * What the kernel knows and this machine may not give.
 * @param bounding `CapBnd` of /proc/self/status
 * @param last the last capability of this kernel, /proc/sys/kernel/cap_last_cap
 */
export function lackingCapabilities(bounding: string, last: number): readonly string[] {
  const bits = BigInt(`0x${bounding}`);
  return capabilities.filter((_, bit) => bit <= last && (bits & (1n << BigInt(bit))) === 0n);
}

/**
 * A script to be called in the place of runc, which fails a privileged container that asks for what the bounding set
 * lacks. It takes those out of the configuration that runc is about to read, for new containers and for exec alike.
 */
export function boundedRunc(runc: string, lacking: readonly string[]): string {
  return `#!/bin/bash
set -eu
strip() {
  jq --argjson lacking '${JSON.stringify(lacking)}' "if $2 then $2 |= map_values(. - \\$lacking) else . end" "$1" > "$1.bounded"
  cat "$1.bounded" > "$1"
  rm -f "$1.bounded"
}
command= bundle=. process=
words=("$@")
for i in "\${!words[@]}"; do
  case "\${words[i]}" in
    create | run | exec | restore) [ -n "$command" ] || command=\${words[i]} ;;
    --bundle | -b) bundle=\${words[i + 1]} ;;
    --bundle=*) bundle=\${words[i]#*=} ;;
    --process | -p) process=\${words[i + 1]} ;;
    --process=*) process=\${words[i]#*=} ;;
  esac
done
case $command in
  create | run | restore) strip "$bundle/config.json" .process.capabilities ;;
  exec) [ -z "$process" ] || strip "$process" .capabilities ;;
esac
exec ${runc} "$@"
`;
}
