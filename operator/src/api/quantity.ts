import { rules } from './rules.ts';
import { text } from './text.ts';

/** A Kubernetes quantity, `10Gi` or `500m` (k8s.io/apimachinery resource.Quantity). */
export const quantity = text({
  max: 32,
  pattern: /^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/,
  message: 'must be a quantity such as 10Gi, 512Mi or 500m',
});

/** Of a volume. */
export const storageSize = quantity.meta({
  ...rules({
    rule: "!isQuantity(self) || quantity(self).isGreaterThan(quantity('0'))",
    message: 'the size of a volume must be above 0, such as 10Gi',
  }),
});

const factors: Readonly<Record<string, number>> = {
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** Bytes of a quantity of storage (k8s.io/apimachinery resource.Quantity): `10Gi`, `500M`, `1e9`; NaN for anything else. */
export function bytesOf(quantity: string): number {
  const [, number = '', exponent = '', suffix = ''] =
    /^([0-9]*\.?[0-9]+|[0-9]+\.)([eE][+-]?[0-9]+)?([A-Za-z]*)$/.exec(quantity) ?? [];
  return number === '' ? NaN : Number(`${number}${exponent}`) * (factors[suffix] ?? NaN);
}

/** The smallest size in whole units that holds `bytes`. */
export function sizeAtLeast(bytes: number): string {
  return inWholeUnits(bytes, Math.ceil);
}

/** The largest size in whole units that is not above `bytes`. */
export function sizeAtMost(bytes: number): string {
  return inWholeUnits(bytes, Math.floor);
}

/** Mebibytes or, from ten gibibytes on, gibibytes: storage drivers round anything finer up, each in its own way. */
function inWholeUnits(bytes: number, round: (value: number) => number): string {
  const inGi = bytes / 2 ** 30;
  return inGi >= 10 ? `${round(inGi)}Gi` : `${round(bytes / 2 ** 20)}Mi`;
}
