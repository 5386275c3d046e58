import { operatorProblemOf, operatorProblems } from '@authstack/http-service/operator-problems';
import type { OperatorProblem } from '@authstack/http-service/operator-problems';
import type { ErrorCode } from '../api.ts';

const statuses: Readonly<Record<ErrorCode, number>> = {
  ...operatorProblems,
  VOLUME_MISMATCH: 409,
  VOLUME_UNREADABLE: 409,
  VOLUME_OF_A_SET: 409,
  GATE_NOT_WAITING: 409,
  VOLUME_FENCED: 409,
  VOLUME_IN_USE: 409,
  MONGOD_UNAVAILABLE: 503,
  KEYFILE_REFUSED: 503,
  NOT_INITIALIZED: 409,
  NOT_PRIMARY: 409,
  CONFIG_CHANGED: 409,
  CONFIG_REFUSED: 409,
  CONFIG_NOT_COMMITTED: 503,
  USER_REFUSED: 409,
  COMPATIBILITY_REFUSED: 409,
  KEYFILE_GONE: 409,
  NO_SUCCESSOR: 409,
  TERM_CHANGED: 409,
  NOT_SECONDARY: 409,
  ELECTION_LOST: 409,
};

export function problemOf(error: unknown): OperatorProblem {
  return operatorProblemOf(error, { statuses, failed: 'the agent failed; see kubectl logs <pod> -c agent' });
}
