/** The gate's own exit code for an image whose mongod is not of the expected version. */
export const wrongMongodExitCode = 69;

/**
 * Runs in MongoDB's own image, in mongod's place, and becomes mongod once the agent has permitted this start.
 * Arguments: gate directory, data directory, keyfile, version (or nothing), termination log, then mongod with its
 * arguments.
 *
 * A start permit is the UUID that this start has written, fresh for each, so one left over from an earlier start,
 * of a mongod killed at whatever moment, permits nothing.
 *
 *   gate                         agent
 *   writes UUID to waiting  ──▶  looks at the volume, or at what the operator asked
 *   polls release           ◀──  writes that UUID to release: the start permit
 *   writes opened, becomes mongod by exec
 *
 * It needs a POSIX sh, mkdir, mv, cp, chmod, rm and sleep, as does the hook below.
 */
const script = `set -eu
gate=$1 data=$2 keyfile=$3 version=$4 termination_log=$5
shift 5
umask 077
# Process 1 ignores a signal that it has no trap for, and would take the whole grace period to end.
trap 'exit 143' TERM INT
# Before anything else: a mongod of another version than the operator expects must never open the data.
if [ -n "$version" ]; then
  is=$("$1" --version 2>&1) || :
  case $is in
    "db version v$version."*) ;;
    *)
      line='
'
      { printf '"%s --version" answers "%s", not version %s' "$1" "\${is%%"$line"*}" "$version" > "$termination_log"; } 2>/dev/null || :
      exit ${String(wrongMongodExitCode)}
      ;;
  esac
fi
read -r wait < /proc/sys/kernel/random/uuid
printf '%s\\n' "$wait" > "$gate/waiting.new"
mv -f "$gate/waiting.new" "$gate/waiting"
echo "gate: waiting for the agent's start permit ($wait)"
permit=
while [ "$permit" != "$wait" ]; do
  permit=
  if [ -f "$gate/release" ]; then read -r permit < "$gate/release" || permit=; fi
  if [ "$permit" != "$wait" ]; then sleep 0.2 2>/dev/null || sleep 1; fi
done
mkdir -p "$data/db"
# mongod refuses a keyfile that its group may read, and a mounted Secret cannot be made otherwise.
rm -f "$gate/keyfile"
cp "$keyfile" "$gate/keyfile"
chmod 600 "$gate/keyfile"
printf '%s\\n' "$wait" > "$gate/opened"
rm -f "$gate/waiting" "$gate/release"
echo "gate: open"
exec "$@"
`;

/** The agent answers sooner: it gives each step of a hand-over a limit. */
const leaveWithinSeconds = 25;

/**
 * mongod's preStop hook: the kubelet sends TERM only once it has ended. It asks the agent to hand over, with a UUID of its own
 * that the agent answers; where nobody answers, mongod hands over by itself.
 */
const leaveScript = `set -eu
gate=$1
umask 077
read -r leaving < /proc/sys/kernel/random/uuid
printf '%s\\n' "$leaving" > "$gate/leaving.new"
mv -f "$gate/leaving.new" "$gate/leaving"
answer= waited=0
while [ "$waited" -lt ${String(leaveWithinSeconds * 10)} ]; do
  if [ -f "$gate/left" ]; then read -r answer < "$gate/left" || answer=; fi
  if [ "$answer" = "$leaving" ]; then exit 0; fi
  if sleep 0.1 2>/dev/null; then waited=$((waited + 1)); else sleep 1; waited=$((waited + 10)); fi
done
`;

/** `command` of the hook, in mongod's container. */
export function preStopCommand({ gateDir = '/gate' }: Pick<GateOptions, 'gateDir'> = {}): string[] {
  return ['/bin/sh', '-c', leaveScript, 'leave', gateDir];
}

export const replicaSetName = 'rs0';

export interface GateOptions {
  /** Where the volume is mounted; mongod's files live in `<dataDir>/db`. Default `/data`. */
  readonly dataDir?: string;
  /** The emptyDir shared with the agent. Default `/gate`. */
  readonly gateDir?: string;
  /** The mounted keyfile Secret. Default `/etc/mongodb/keyfile/keyfile`. */
  readonly keyFile?: string;
  /** Default 27017. */
  readonly port?: number;
  /** Default: `mongod` on PATH. */
  readonly mongod?: string;
  /** Expected version of mongod, such as `6.0`; another one does not start. Absent: any that knows every argument. */
  readonly version?: string;
  /** Where the kubelet reads why a container ended. Default `/dev/termination-log`. */
  readonly terminationLog?: string;
  /** Further arguments of mongod, such as `--wiredTigerCacheSizeGB`. */
  readonly mongodArgs?: readonly string[];
}

/**
 * How long mongod may hand over and let running operations end after TERM, before it shuts down.
 * The pod's terminationGracePeriodSeconds must cover this and a checkpoint.
 */
export const shutdownHandoverMillis = 5_000;

/** `command` and `args` of the mongod container. */
export function gateContainer(options: GateOptions = {}): { command: string[]; args: string[] } {
  const { dataDir = '/data', gateDir = '/gate', keyFile = '/etc/mongodb/keyfile/keyfile' } = options;
  const { version = '', terminationLog = '/dev/termination-log' } = options;
  return {
    command: ['/bin/sh', '-c', script, 'gate', gateDir, dataDir, keyFile, version, terminationLog],
    args: [options.mongod ?? 'mongod', ...mongodArguments(dataDir, gateDir, options)],
  };
}

/**
 * How a secondary leaves the member that it replicates from: one that does not answer is dropped after
 * electionTimeoutMillis / 2 and the buffer. Where no other member is ahead at that moment it looks again after a second, in which
 * no majority acknowledges a write. mongod 7.0 looks as soon as a heartbeat tells anything new. 6.0 does not, but goes on trying its
 * source if told to, and leaves it once another member is ahead: twelve tries in three seconds, of a second at most where
 * nobody answers. Older ones would look at nothing while they try.
 */
function sourceParameters(version: string | undefined): readonly string[] {
  if (version !== '6.0') return ['oplogNetworkTimeoutBufferSeconds=2', 'oplogFetcherSteadyStateMaxFetcherRestarts=0'];
  return [
    'oplogNetworkTimeoutBufferSeconds=1',
    'oplogRetriedFindMaxSeconds=0',
    'oplogFetcherSteadyStateMaxFetcherRestarts=12',
  ];
}

function mongodArguments(
  dataDir: string,
  gateDir: string,
  { port = 27017, version, mongodArgs = [] }: GateOptions,
): string[] {
  return [
    ...['--replSet', replicaSetName],
    ...['--dbpath', `${dataDir}/db`],
    ...['--keyFile', `${gateDir}/keyfile`],
    ...['--bind_ip_all', '--port', String(port)],
    // The root file system is read-only, and nobody uses the socket in /tmp.
    '--nounixsocket',
    // The agent signs in as __system; nobody else in the pod's network gets in without credentials.
    ...['--setParameter', 'enableLocalhostAuthBypass=0'],
    ...sourceParameters(version).flatMap((parameter) => ['--setParameter', parameter]),
    // 4.4 does not know the parameter, and hands over without it.
    ...(version === '4.4'
      ? []
      : ['--setParameter', `shutdownTimeoutMillisForSignaledShutdown=${String(shutdownHandoverMillis)}`]),
    ...mongodArgs,
  ];
}
