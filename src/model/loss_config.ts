/** Weights and options of the loss (docs/spec.md §6, D4, D9). */
export interface LossConfig {
  /** Weight of each view's reconstruction. */
  reconstructionWeight: number;
  /** Weight of the contrast of class codes. */
  classWeight: number;
  /** Weight of the contrast of patch codes. */
  patchWeight: number;
  /** Temperature of both contrasts. */
  temperature: number;
  /** Contrast patches from view 1 to view 2 and back, instead of in one direction. */
  patchSymmetric: boolean;
  /** Leave cells that hold the mask token out of the patches' negatives. */
  patchExcludeMask: boolean;
}

/** The reference's values. */
export const DEFAULT_LOSS: Readonly<LossConfig> = {
  reconstructionWeight: 1,
  classWeight: 10,
  patchWeight: 1,
  temperature: 0.2,
  patchSymmetric: false,
  patchExcludeMask: false,
};
