import type { AuthStack } from '../api/auth-stack.ts';
import { observeAuthService } from '../auth-service/observe.ts';
import type { AuthServicePorts } from '../auth-service/observe.ts';
import { observeCertificates } from '../certificates/observe.ts';
import type { CertificatesPorts } from '../certificates/observe.ts';
import { observeStackConsumers } from '../consumers/summary.ts';
import { observeMongodb } from '../mongodb/observe.ts';
import type { MongodbPorts } from '../mongodb/observe.ts';
import type { Pass } from '../runtime/reconciler.ts';
import type { SigningKeysPorts } from '../signing-keys/apply.ts';
import { observeSigningKeys } from '../signing-keys/observe.ts';
import type { StackObservation } from './types.ts';

export type StackPorts = CertificatesPorts & MongodbPorts & SigningKeysPorts & AuthServicePorts;

export async function observeStack(stack: AuthStack, ports: StackPorts, pass: Pass): Promise<StackObservation> {
  const [certificates, mongodb, signingKeys, authService] = await Promise.all([
    observeCertificates(stack, ports, pass),
    observeMongodb(stack, ports, pass),
    observeSigningKeys(stack, ports, pass),
    observeAuthService(stack, ports, pass),
  ]);
  return { certificates, mongodb, signingKeys, authService, consumers: observeStackConsumers(stack, ports) };
}
