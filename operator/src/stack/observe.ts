import type { AuthStack } from '../api/auth-stack.ts';
import { observeAuthService } from '../auth-service/observe.ts';
import type { AuthServicePorts } from '../auth-service/observe.ts';
import { observeCertificates } from '../certificates/observe.ts';
import type { CertificatesPorts } from '../certificates/observe.ts';
import type { Pass } from '../runtime/reconciler.ts';
import type { StackObservation } from './types.ts';

export type StackPorts = CertificatesPorts & AuthServicePorts;

export async function observeStack(stack: AuthStack, ports: StackPorts, pass: Pass): Promise<StackObservation> {
  const [certificates, authService] = await Promise.all([
    observeCertificates(stack, ports, pass),
    observeAuthService(stack, ports, pass),
  ]);
  return { certificates, authService };
}
