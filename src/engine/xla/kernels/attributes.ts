import type { FusedAttentionAttrs } from "../types.ts";
import type * as tf from "../tf.ts";

// deno-fmt-ignore
/** Kernels that take tensors only. */
type Plain =
  | "Abs" | "Acos" | "Acosh" | "Asin" | "Asinh" | "Atan" | "Atanh" | "Ceil" | "Cos" | "Cosh" | "Erf"
  | "Exp" | "Expm1" | "Floor" | "Log" | "Log1p" | "Neg" | "Round" | "Rsqrt" | "Sigmoid" | "Sign" | "Sin"
  | "Sinh" | "Sqrt" | "Tan" | "Tanh" | "LogicalNot" | "IsFinite" | "IsInf" | "IsNan" | "Reciprocal"
  | "Square" | "Relu" | "Relu6" | "Elu" | "EluGrad" | "Selu" | "Prelu" | "Softplus" | "Add" | "Sub"
  | "Multiply" | "RealDiv" | "FloorDiv" | "Mod" | "Maximum" | "Minimum" | "Pow" | "SquaredDifference"
  | "Atan2" | "AddN" | "Equal" | "NotEqual" | "Greater" | "GreaterEqual" | "Less" | "LessEqual"
  | "LogicalAnd" | "LogicalOr" | "LogicalXor" | "BitwiseAnd" | "Select" | "Complex" | "Real" | "Imag"
  | "ComplexAbs" | "Identity" | "ZerosLike" | "OnesLike" | "Diag" | "FlipLeftRight" | "MatrixBandPart"
  | "BroadcastArgs" | "GatherNd" | "TensorScatterUpdate" | "LowerBound" | "UpperBound" | "FFT" | "IFFT"
  | "SplitRows" | "DivideRows" | "KeepWhole" | "Together" | "Stored" | "Bfloat16";

/** What tfjs gives to the other kernels beside tensors. */
interface Attributes {
  FusedAttention: FusedAttentionAttrs;
  FusedAttentionGrad: FusedAttentionAttrs;
  All: tf.AllAttrs;
  Any: tf.AnyAttrs;
  ArgMax: tf.ArgMaxAttrs;
  ArgMin: tf.ArgMinAttrs;
  AvgPool: tf.AvgPoolAttrs;
  AvgPool3D: tf.AvgPool3DAttrs;
  AvgPool3DGrad: tf.AvgPool3DGradAttrs;
  AvgPoolGrad: tf.AvgPoolGradAttrs;
  BatchMatMul: tf.BatchMatMulAttrs;
  BatchToSpaceND: tf.BatchToSpaceNDAttrs;
  Bincount: tf.BincountAttrs;
  BroadcastTo: tf.BroadCastToAttrs;
  Cast: tf.CastAttrs;
  ClipByValue: tf.ClipByValueAttrs;
  Concat: tf.ConcatAttrs;
  Conv2D: tf.Conv2DAttrs;
  Conv2DBackpropFilter: tf.Conv2DBackpropFilterAttrs;
  Conv2DBackpropInput: tf.Conv2DBackpropInputAttrs;
  Conv3D: tf.Conv3DAttrs;
  Conv3DBackpropFilterV2: tf.Conv3DBackpropFilterV2Attrs;
  Conv3DBackpropInputV2: tf.Conv3DBackpropInputV2Attrs;
  CropAndResize: tf.CropAndResizeAttrs;
  Cumprod: tf.CumprodAttrs;
  Cumsum: tf.CumsumAttrs;
  DenseBincount: tf.DenseBincountAttrs;
  DepthToSpace: tf.DepthToSpaceAttrs;
  DepthwiseConv2dNative: tf.DepthwiseConv2dNativeAttrs;
  DepthwiseConv2dNativeBackpropFilter: tf.DepthwiseConv2dNativeBackpropFilterAttrs;
  DepthwiseConv2dNativeBackpropInput: tf.DepthwiseConv2dNativeBackpropInputAttrs;
  Dilation2D: tf.Dilation2DAttrs;
  Dilation2DBackpropFilter: tf.Dilation2DAttrs;
  Dilation2DBackpropInput: tf.Dilation2DAttrs;
  Einsum: tf.EinsumAttrs;
  ExpandDims: tf.ExpandDimsAttrs;
  Fill: tf.FillAttrs;
  FusedBatchNorm: tf.FusedBatchNormAttrs;
  FusedConv2D: tf.FusedConv2DAttrs;
  FusedDepthwiseConv2D: tf.FusedDepthwiseConv2DAttrs;
  GatherV2: tf.GatherV2Attrs;
  LRN: tf.LRNAttrs;
  LRNGrad: tf.LRNGradAttrs;
  LeakyRelu: tf.LeakyReluAttrs;
  LinSpace: tf.LinSpaceAttrs;
  LogSoftmax: tf.LogSoftmaxAttrs;
  Max: tf.MaxAttrs;
  MaxPool: tf.MaxPoolAttrs;
  MaxPool3D: tf.MaxPool3DAttrs;
  MaxPool3DGrad: tf.MaxPool3DGradAttrs;
  MaxPoolGrad: tf.MaxPoolGradAttrs;
  MaxPoolWithArgmax: tf.MaxPoolWithArgmaxAttrs;
  Mean: tf.MeanAttrs;
  Min: tf.MinAttrs;
  MirrorPad: tf.MirrorPadAttrs;
  OneHot: tf.OneHotAttrs;
  Pack: tf.PackAttrs;
  PadV2: tf.PadV2Attrs;
  Prod: tf.ProdAttrs;
  Range: tf.RangeAttrs;
  Reshape: tf.ReshapeAttrs;
  ResizeBilinear: tf.ResizeBilinearAttrs;
  ResizeBilinearGrad: tf.ResizeBilinearGradAttrs;
  ResizeNearestNeighbor: tf.ResizeNearestNeighborAttrs;
  ResizeNearestNeighborGrad: tf.ResizeNearestNeighborGradAttrs;
  Reverse: tf.ReverseAttrs;
  RotateWithOffset: tf.RotateWithOffsetAttrs;
  ScatterNd: tf.ScatterNdAttrs;
  SearchSorted: tf.SearchSortedAttrs;
  Slice: tf.SliceAttrs;
  Softmax: tf.SoftmaxAttrs;
  SpaceToBatchND: tf.SpaceToBatchNDAttrs;
  SparseToDense: tf.SparseToDenseAttrs;
  SplitV: tf.SplitVAttrs;
  Step: tf.StepAttrs;
  StridedSlice: tf.StridedSliceAttrs;
  Sum: tf.SumAttrs;
  Tile: tf.TileAttrs;
  TopK: tf.TopKAttrs;
  Transform: tf.TransformAttrs;
  Transpose: tf.TransposeAttrs;
  Unpack: tf.UnpackAttrs;
  UnsortedSegmentSum: tf.UnsortedSegmentSumAttrs;
  _FusedMatMul: tf._FusedMatMulAttrs;
}

/** The kernels that XLA computes. */
export type KernelName = Plain | keyof Attributes;

/** What a kernel is given beside tensors. */
export type AttributesOf<Name extends KernelName> = Name extends keyof Attributes ? Attributes[Name]
  : unknown;

/** Sides of a window: one number for all, or one for each. */
export type Sides = number | readonly number[];

/** What convolutions and poolings of two or three spatial axes have in common. */
export interface WindowAttributes {
  strides: Sides;
  pad: tf.Conv2DAttrs["pad"];
  /** Null and absent mean 1. */
  dilations?: Sides | null;
  dataFormat?: "NHWC" | "NCHW" | "NDHWC" | "NCDHW";
  dimRoundingMode?: "floor" | "round" | "ceil";
}

/** What all poolings have in common. */
export type PoolAttributes = WindowAttributes & { filterSize: Sides };

/** Sides as tfjs's functions for pictures take them. */
export const planeSides = (sides: Sides): number | [number, number] => sides as number | [number, number];

/** Sides as tfjs's functions for volumes take them. */
export const spaceSides = (sides: Sides): number | [number, number, number] =>
  sides as number | [number, number, number];
