/** The vocabulary of the scenarios. */
export { expect } from '@jest/globals';
export { eventually } from '../world/eventually.ts';
export { apply, find, get, kubectl, list } from '../world/kubectl.ts';
export type { StoredObject } from '../world/kubectl.ts';
export { crash, onNode } from '../world/node.ts';
export { installedOperator } from '../world/operator.ts';
export { aPerson, signUpPeople, whoCannotSignIn } from '../world/people.ts';
export { scenario } from '../world/scenario.ts';
export { askToRenew, serviceAccountToken } from '../world/service-listener.ts';
export { underLoad } from '../world/under-load.ts';
export type { Stack } from '../world/stack.ts';
export type { Visitor } from '../world/visitor.ts';
