/**
 * The common name of the operator's client certificates, which are the only ones of a stack's authority that an operator server
 * lets in.
 */
export const OPERATOR_COMMON_NAME = 'authstack-operator';
