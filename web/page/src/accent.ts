/** A colour of a stack's own, made readable on either theme. */
export interface Accent {
  readonly onLight: string;
  readonly onDark: string;
}

type Rgb = readonly [red: number, green: number, blue: number];

/** Of each theme in styles.css, what text of the accent stands on and what stands on the accent. */
export const themes = {
  light: { card: '#ffffff', paper: '#f5f6fb', onAccent: '#ffffff' },
  dark: { card: '#181b28', paper: '#0f111a', onAccent: '#0f111a' },
} as const;

/** Of text and its background (WCAG 2.2, success criterion 1.4.3), with a little to spare for rounding. */
const MIN_CONTRAST = 4.6;
/** How much of the accent is in `--accent-tint` of styles.css. */
const TINT = 0.1;

/** `color`, darkened for the light theme and lightened for the dark one as far as its contrast demands. */
export function accentOf(color: string): Accent {
  return {
    onLight: readable(color, { ...themes.light, towards: '#000000' }),
    onDark: readable(color, { ...themes.dark, towards: '#ffffff' }),
  };
}

const STEPS = 50;

interface Theme {
  readonly card: string;
  readonly paper: string;
  readonly onAccent: string;
}

function readable(color: string, { towards, ...theme }: Theme & { readonly towards: string }): string {
  for (let step = 0; step < STEPS; step += 1) {
    const candidate = mixed(color, towards, step / STEPS);
    if (isReadable(candidate, theme)) return candidate;
  }
  return towards;
}

function isReadable(color: string, { card, paper, onAccent }: Theme): boolean {
  return [card, paper, onAccent, mixed(paper, color, TINT)].every((other) => contrastOf(color, other) >= MIN_CONTRAST);
}

/** From 1 to 21 (WCAG 2.2, "contrast ratio"). */
export function contrastOf(first: string, second: string): number {
  const [low = 0, high = 0] = [luminanceOf(first), luminanceOf(second)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

/** From 0 to 1 (WCAG 2.2, "relative luminance"). */
function luminanceOf(color: string): number {
  const [red, green, blue] = rgbOf(color).map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function mixed(color: string, other: string, share: number): string {
  const others = rgbOf(other);
  const parts = rgbOf(color).map((part, index) => Math.round(part + ((others[index] ?? 0) - part) * share));
  return `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

function rgbOf(color: string): Rgb {
  return [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16)) as unknown as Rgb;
}
