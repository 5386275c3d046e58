export { prometheusOperatorCrds, tool } from '../../cluster/provide.ts';
export type { ToolName } from '../../cluster/provide.ts';
