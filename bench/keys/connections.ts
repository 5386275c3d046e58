export interface ConnectionsSettings {
  readonly count: number;
  /** Mounted Secrets of the consumers that they are. */
  readonly directories: readonly string[];
  /** How many connect in a second. */
  readonly perSecond: number;
}

/** Since it began. */
export interface ConnectionsReport {
  readonly connected: number;
  readonly beats: number;
  /** By how much more than their distance heartbeats were apart, in milliseconds. */
  readonly late: { readonly p50: number; readonly p99: number; readonly most: number };
  readonly acknowledged: { readonly taken: number; readonly failed: number };
}
