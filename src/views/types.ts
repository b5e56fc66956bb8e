/** A rectangle of the base picture in whole pixels. */
export interface Crop {
  top: number;
  left: number;
  height: number;
  width: number;
}

/** Colour changes in the order they are applied. Factors as in docs/spec.md §1.5. */
export interface ColourJitter {
  /** Some order of 0 brightness, 1 contrast, 2 saturation, 3 hue. */
  order: readonly [number, number, number, number];
  brightness: number;
  contrast: number;
  saturation: number;
  /** Share of a full turn, −0.5 … 0.5. */
  hue: number;
}

/** Everything that makes one view out of a base picture; these numbers alone reproduce it. docs/spec.md §1. */
export interface View {
  crop: Crop;
  flip: boolean;
  colour: ColourJitter | null;
  grey: boolean;
  /** Radius of the Gaussian blur in pixels; 0 for none. */
  blur: number;
  solarise: boolean;
}

/** Numbers that one view takes in a batch, see {@linkcode packView}. */
export const VIEW_FIELDS = 16;
