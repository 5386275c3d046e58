import { once } from 'node:events';
import { systemClock as httpClock } from '@authstack/http-service/clock';
import { pino } from 'pino';
import { z } from 'zod';
import { startAgent } from './agent.ts';
import { agentContract } from './api.ts';
import { systemClock } from './clock.ts';

const port = z.coerce.number().int().min(0).max(65_535);
const environment = z.object({
  AGENT_POD_UID: z.string().min(1),
  AGENT_DATA_DIR: z.string().default('/data'),
  AGENT_GATE_DIR: z.string().default('/gate'),
  AGENT_KEYFILE: z.string().default('/etc/mongodb/keyfile/keyfile'),
  AGENT_TLS_DIR: z.string().default('/etc/mongodb-agent/tls'),
  AGENT_MONGOD_PORT: port.default(27_017),
  AGENT_API_PORT: port.default(agentContract.apiPort),
  AGENT_PROBE_PORT: port.default(agentContract.probePort),
  AGENT_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

/** What is left of the pod's grace once mongod has ended is longer. */
const FINISH_WITHIN = 5_000;
const STOP_WITHIN = 10_000;

const parsed = environment.safeParse(process.env);
if (!parsed.success) throw new Error(`the environment is invalid: ${z.prettifyError(parsed.error)}`);
const env = parsed.data;
const log = pino({ level: env.AGENT_LOG_LEVEL, base: { podUid: env.AGENT_POD_UID } });

const agent = await startAgent(
  {
    podUid: env.AGENT_POD_UID,
    dataDir: env.AGENT_DATA_DIR,
    gateDir: env.AGENT_GATE_DIR,
    keyFile: env.AGENT_KEYFILE,
    tlsDir: env.AGENT_TLS_DIR,
    mongodPort: env.AGENT_MONGOD_PORT,
    apiPort: env.AGENT_API_PORT,
    probePort: env.AGENT_PROBE_PORT,
  },
  { clock: systemClock, log },
);

// As a native sidecar the agent gets TERM after mongod has ended, so there is nothing left to step down.
await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
log.info('ending');
const lastResort = setTimeout(() => {
  log.fatal({ open: process.getActiveResourcesInfo() }, 'did not stop in time');
  process.exit(1);
}, STOP_WITHIN);
await agent.close({ clock: httpClock, within: FINISH_WITHIN });
clearTimeout(lastResort);
