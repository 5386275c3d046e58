/**
 * When tokens that are no longer cached were last used. Bounded: a token has one place, by the end of its signature, and
 * shares it with others; whoever is noted last is remembered. To forget one, or to take one for another (1 in 2³² of those
 * that share a place), costs a hit and never makes one.
 */
export class LastUses {
  private readonly fingerprints: Uint32Array;
  private readonly uses: Float64Array;

  constructor(capacity: number) {
    const places = 2 ** Math.ceil(Math.log2(Math.max(1, capacity)));
    this.fingerprints = new Uint32Array(places);
    this.uses = new Float64Array(places);
  }

  note(token: string, use: number): void {
    const fingerprint = fingerprintOf(token);
    const place = this.placeOf(fingerprint);
    this.fingerprints[place] = fingerprint;
    this.uses[place] = use;
  }

  /** 0: not known. */
  of(token: string): number {
    const fingerprint = fingerprintOf(token);
    const place = this.placeOf(fingerprint);
    return this.fingerprints[place] === fingerprint ? (this.uses[place] ?? 0) : 0;
  }

  private placeOf(fingerprint: number): number {
    return (fingerprint ^ (fingerprint >>> 15)) & (this.fingerprints.length - 1);
  }
}

const SIGNIFICANT = 12;

/** FNV-1a of the last characters, which nobody but the signer can choose. */
function fingerprintOf(token: string): number {
  let hash = 0x811c9dc5;
  for (let index = Math.max(0, token.length - SIGNIFICANT); index < token.length; index += 1) {
    hash = Math.imul(hash ^ token.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
