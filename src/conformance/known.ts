const MIRRORED =
  "tfjs's gradient leaves out what the border took; ours agrees with finite differences (gradients/shape.ts)";

/**
 * Tests of TensorFlow.js that our backend fails, by file and description, each with its reason. The list grows by
 * tests alone that expect what is wrong.
 */
export const KNOWN: Readonly<Record<string, string>> = {
  "avg_pool_test.js: avgPool gradient x=[3,3,1] f=[3,3] s=1 p=explicit":
    "tfjs's gradient divides by the whole window where its forward pass divides by the covered part; ours agrees with " +
    "finite differences (gradients/window.ts)",
  "depthwise_conv2d_test.js: depthwiseConv2d gradients throws error on dilations > 1":
    "expects that there is no such gradient; ours agrees with finite differences (gradients/convolution.ts)",
  "mirror_pad_test.js: mirrorPad grad": MIRRORED,
  "mirror_pad_test.js: mirrorPad gradient with clones": MIRRORED,
  "pool_test.js: pool max x=[2,2,3] f=[1,1] s=2 p=1 fractional outputs default rounding":
    "tfjs's cpu backend hands the input through when window and shapes allow it, and forgets stride and border",
  "pool_test.js: pool avg x=[2,2,3] f=[1,1] s=2 p=1 fractional outputs default rounding":
    "tfjs's cpu backend hands the input through when window and shapes allow it, and forgets stride and border",
  "tan_test.js: tan numbers exceed float32 precision":
    "expects tan beside a pole as computed in double: 30144.17578125, one float32 away from ours",
};
