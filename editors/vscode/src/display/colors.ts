/** The colours of what is drawn over code, for dark and for light themes. */

import * as vscode from "vscode";

type Rgb = readonly [number, number, number];

interface Palette {
  certain: Rgb;
  uncertain: Rgb;
  added: string;
}

const DARK: Palette = {
  certain: [212, 212, 212],
  uncertain: [255, 110, 64],
  added: "rgba(80,200,120,0.18)",
};
const LIGHT: Palette = {
  certain: [40, 40, 40],
  uncertain: [214, 64, 0],
  added: "rgba(40,167,69,0.16)",
};

function palette(): Palette {
  const { kind } = vscode.window.activeColorTheme;
  const dark = kind === vscode.ColorThemeKind.Dark || kind === vscode.ColorThemeKind.HighContrast;
  return dark ? DARK : LIGHT;
}

/** The colour of text whose entropy is so many nats: the theme's own where it is certain. */
export function colorOf(entropy: number): string {
  const { certain, uncertain } = palette();
  const doubt = 1 - Math.exp(-entropy);
  const mixed = certain.map((from, i) =>
    Math.round(from + doubt * ((uncertain[i] ?? from) - from)),
  );
  return `rgb(${mixed.join(",")})`;
}

/** The background of lines that are added. */
export function addedBackground(): string {
  return palette().added;
}
