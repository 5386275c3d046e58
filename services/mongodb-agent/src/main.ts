import { once } from 'node:events';
import { pino } from 'pino';
import { z } from 'zod';
import { startAgent } from './agent.ts';
import { agentContract } from './api.ts';
import { systemClock } from './clock.ts';

const environment = z.object({
  AGENT_POD_UID: z.string().min(1),
  AGENT_DATA_DIR: z.string().default('/data'),
  AGENT_GATE_DIR: z.string().default('/gate'),
  AGENT_KEYFILE: z.string().default('/etc/mongodb/keyfile/keyfile'),
  AGENT_TLS_DIR: z.string().default('/etc/mongodb-agent/tls'),
  AGENT_MONGOD_PORT: z.coerce.number().int().min(1).max(65_535).default(27_017),
  AGENT_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

const env = environment.parse(process.env);
const log = pino({ level: env.AGENT_LOG_LEVEL, base: { podUid: env.AGENT_POD_UID } });

const agent = await startAgent(
  {
    podUid: env.AGENT_POD_UID,
    dataDir: env.AGENT_DATA_DIR,
    gateDir: env.AGENT_GATE_DIR,
    keyFile: env.AGENT_KEYFILE,
    tlsDir: env.AGENT_TLS_DIR,
    mongodPort: env.AGENT_MONGOD_PORT,
    apiPort: agentContract.apiPort,
    probePort: agentContract.probePort,
  },
  { clock: systemClock, log },
);

// As a native sidecar the agent gets TERM after mongod has ended, so there is nothing left to hand over.
await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
log.info('ending');
await agent.close();
