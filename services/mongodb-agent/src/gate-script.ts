/** The gate's own exit code for an image that has no mongod of the version it is said to have. */
export const wrongMongodExitCode = 69;

/**
 * Runs in MongoDB's own image, in mongod's place, and becomes mongod once the agent has given its word.
 * Arguments: gate directory, data directory, keyfile, version (or nothing), file for last words, then mongod with its
 * arguments.
 *
 * The word names the wait it answers (a fresh UUID for each start), so a word left over
 * from an earlier start, of a mongod killed at whatever moment, opens nothing.
 * It needs a POSIX sh, mkdir, mv, cp, chmod, rm and sleep.
 */
const script = `set -eu
gate=$1 data=$2 keyfile=$3 version=$4 lastwords=$5
shift 5
umask 077
# As process 1 a shell without a trap would sit out the whole grace period.
trap 'exit 143' TERM INT
# Before anything else: another version than the operator reckons with must never see the data.
if [ -n "$version" ]; then
  is=$("$1" --version 2>&1) || :
  case $is in
    "db version v$version."*) ;;
    *)
      line='
'
      { printf '"%s --version" answers "%s", not version %s' "$1" "\${is%%"$line"*}" "$version" > "$lastwords"; } 2>/dev/null || :
      exit ${String(wrongMongodExitCode)}
      ;;
  esac
fi
read -r wait < /proc/sys/kernel/random/uuid
printf '%s\\n' "$wait" > "$gate/waiting.new"
mv -f "$gate/waiting.new" "$gate/waiting"
echo "gate: waiting for the agent's word ($wait)"
word=
while [ "$word" != "$wait" ]; do
  word=
  if [ -f "$gate/release" ]; then read -r word < "$gate/release" || word=; fi
  if [ "$word" != "$wait" ]; then sleep 0.2 2>/dev/null || sleep 1; fi
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
  /** Of mongod, `6.0`: another one is not started. Absent: whichever, if it knows every argument. */
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
    // The agent signs in as __system; no one else in the pod's network is let in unasked.
    ...['--setParameter', 'enableLocalhostAuthBypass=0'],
    // A source that fell silent is given up after electionTimeoutMillis / 2 and this, and not tried once more.
    ...['--setParameter', 'oplogNetworkTimeoutBufferSeconds=2'],
    ...['--setParameter', 'oplogFetcherSteadyStateMaxFetcherRestarts=0'],
    // 4.4 does not know it, and takes its time by itself.
    ...(version === '4.4'
      ? []
      : ['--setParameter', `shutdownTimeoutMillisForSignaledShutdown=${String(shutdownHandoverMillis)}`]),
    ...mongodArgs,
  ];
}
