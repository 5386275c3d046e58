import { dockerAnswers } from './docker.ts';
import { addressAt, clusterExists, mappedPort, port } from './kind.ts';

const up = (await dockerAnswers()) && (await clusterExists());
process.stdout.write(`${addressAt(up ? await mappedPort() : port)}\n`);
