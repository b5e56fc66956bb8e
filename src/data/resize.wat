;; The two passes of a resize of RGB bytes, SPEC §12, on 128-bit vectors. The host lays out the memory and computes the
;; weights (whole numbers of 1/2^22). The passes write up to 31 bytes past the last result and read up to 52 past the
;; last picture byte: the host leaves that room.
;;
;; resize_wasm.ts holds this module's bytes: wat2wasm resize.wat, then base64.
(module
  (memory (export "memory") 1)

  ;; Rows of `pitch` bytes become rows of `width` pixels. `first`: byte offset of each result's first pixel in its row;
  ;; `count`: bytes of weights of each result; `weights`: `stride` bytes for each result.
  (func (export "columns")
    (param $src i32) (param $out i32) (param $rows i32) (param $pitch i32) (param $width i32)
    (param $first i32) (param $count i32) (param $weights i32) (param $stride i32)
    (local $x i32) (local $w i32) (local $end i32) (local $from i32) (local $row i32) (local $sum v128)
    (loop $eachRow
      (local.set $x (i32.const 0))
      (local.set $row (local.get $weights))
      (loop $eachPixel
        (local.set $from (i32.add (local.get $src) (i32.load (i32.add (local.get $first) (local.get $x)))))
        (local.set $w (local.get $row))
        (local.set $end (i32.add (local.get $w) (i32.load (i32.add (local.get $count) (local.get $x)))))
        (local.set $sum (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (loop $eachTap
          ;; Red, green, blue and, unused, the next pixel's red.
          (local.set $sum (i32x4.add (local.get $sum)
            (i32x4.mul
              (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u (v128.load32_zero (local.get $from))))
              (v128.load32_splat (local.get $w)))))
          (local.set $from (i32.add (local.get $from) (i32.const 3)))
          (local.set $w (i32.add (local.get $w) (i32.const 4)))
          (br_if $eachTap (i32.lt_u (local.get $w) (local.get $end))))
        ;; Clipped to 0 … 255 by the narrowing; the fourth byte is overwritten by the next pixel.
        (local.set $sum (i32x4.shr_s (local.get $sum) (i32.const 22)))
        (local.set $sum (i16x8.narrow_i32x4_s (local.get $sum) (local.get $sum)))
        (v128.store32_lane 0 (local.get $out) (i8x16.narrow_i16x8_u (local.get $sum) (local.get $sum)))
        (local.set $out (i32.add (local.get $out) (i32.const 3)))
        (local.set $row (i32.add (local.get $row) (local.get $stride)))
        (local.set $x (i32.add (local.get $x) (i32.const 4)))
        (br_if $eachPixel (i32.lt_u (local.get $x) (i32.shl (local.get $width) (i32.const 2)))))
      (local.set $src (i32.add (local.get $src) (local.get $pitch)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $eachRow (local.get $rows))))

  ;; Rows of `pitch` bytes become `rows` rows of as many. `first`: byte offset of each result's first row.
  (func (export "rows")
    (param $src i32) (param $out i32) (param $rows i32) (param $pitch i32)
    (param $first i32) (param $count i32) (param $weights i32) (param $stride i32)
    (local $x i32) (local $w i32) (local $end i32) (local $from i32) (local $to i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $pixels v128) (local $half v128) (local $weight v128)
    (loop $eachRow
      (local.set $x (i32.const 0))
      (local.set $end (i32.add (local.get $weights) (i32.load (local.get $count))))
      ;; Sixteen bytes of the row at a time.
      (loop $eachColumn
        (local.set $from (i32.add (i32.add (local.get $src) (local.get $x)) (i32.load (local.get $first))))
        (local.set $w (local.get $weights))
        (local.set $a (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (local.set $b (local.get $a))
        (local.set $c (local.get $a))
        (local.set $d (local.get $a))
        (loop $eachTap
          (local.set $pixels (v128.load (local.get $from)))
          (local.set $weight (v128.load32_splat (local.get $w)))
          (local.set $half (i16x8.extend_low_i8x16_u (local.get $pixels)))
          (local.set $a (i32x4.add (local.get $a)
            (i32x4.mul (i32x4.extend_low_i16x8_u (local.get $half)) (local.get $weight))))
          (local.set $b (i32x4.add (local.get $b)
            (i32x4.mul (i32x4.extend_high_i16x8_u (local.get $half)) (local.get $weight))))
          (local.set $half (i16x8.extend_high_i8x16_u (local.get $pixels)))
          (local.set $c (i32x4.add (local.get $c)
            (i32x4.mul (i32x4.extend_low_i16x8_u (local.get $half)) (local.get $weight))))
          (local.set $d (i32x4.add (local.get $d)
            (i32x4.mul (i32x4.extend_high_i16x8_u (local.get $half)) (local.get $weight))))
          (local.set $from (i32.add (local.get $from) (local.get $pitch)))
          (local.set $w (i32.add (local.get $w) (i32.const 4)))
          (br_if $eachTap (i32.lt_u (local.get $w) (local.get $end))))
        (v128.store (i32.add (local.get $out) (local.get $x))
          (i8x16.narrow_i16x8_u
            (i16x8.narrow_i32x4_s
              (i32x4.shr_s (local.get $a) (i32.const 22)) (i32x4.shr_s (local.get $b) (i32.const 22)))
            (i16x8.narrow_i32x4_s
              (i32x4.shr_s (local.get $c) (i32.const 22)) (i32x4.shr_s (local.get $d) (i32.const 22)))))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (br_if $eachColumn (i32.lt_u (local.get $x) (local.get $pitch))))
      (local.set $out (i32.add (local.get $out) (local.get $pitch)))
      (local.set $weights (i32.add (local.get $weights) (local.get $stride)))
      (local.set $first (i32.add (local.get $first) (i32.const 4)))
      (local.set $count (i32.add (local.get $count) (i32.const 4)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $eachRow (local.get $rows))))

  ;; The quick passes: weights of 1/2^15 and sums of 1/128 in eight lanes of 16 bits, off by one level at most.

  ;; As "rows", but the results stay in 16 bits; `count`: bytes of weights of 16 bits.
  (func (export "quickRows")
    (param $src i32) (param $out i32) (param $rows i32) (param $pitch i32)
    (param $first i32) (param $count i32) (param $weights i32) (param $stride i32)
    (local $x i32) (local $w i32) (local $end i32) (local $from i32)
    (local $a v128) (local $b v128) (local $pixels v128) (local $weight v128)
    (loop $eachRow
      (local.set $x (i32.const 0))
      (local.set $end (i32.add (local.get $weights) (i32.load (local.get $count))))
      (loop $eachColumn
        (local.set $from (i32.add (i32.add (local.get $src) (local.get $x)) (i32.load (local.get $first))))
        (local.set $w (local.get $weights))
        (local.set $a (v128.const i64x2 0 0))
        (local.set $b (local.get $a))
        (loop $eachTap
          (local.set $pixels (v128.load (local.get $from)))
          (local.set $weight (v128.load16_splat (local.get $w)))
          (local.set $a (i16x8.add_sat_s (local.get $a) (i16x8.relaxed_q15mulr_s
            (i16x8.shl (i16x8.extend_low_i8x16_u (local.get $pixels)) (i32.const 7)) (local.get $weight))))
          (local.set $b (i16x8.add_sat_s (local.get $b) (i16x8.relaxed_q15mulr_s
            (i16x8.shl (i16x8.extend_high_i8x16_u (local.get $pixels)) (i32.const 7)) (local.get $weight))))
          (local.set $from (i32.add (local.get $from) (local.get $pitch)))
          (local.set $w (i32.add (local.get $w) (i32.const 2)))
          (br_if $eachTap (i32.lt_u (local.get $w) (local.get $end))))
        (local.set $from (i32.add (local.get $out) (i32.shl (local.get $x) (i32.const 1))))
        (v128.store (local.get $from) (local.get $a))
        (v128.store offset=16 (local.get $from) (local.get $b))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (br_if $eachColumn (i32.lt_u (local.get $x) (local.get $pitch))))
      (local.set $out (i32.add (local.get $out) (i32.shl (local.get $pitch) (i32.const 1))))
      (local.set $weights (i32.add (local.get $weights) (local.get $stride)))
      (local.set $first (i32.add (local.get $first) (i32.const 4)))
      (local.set $count (i32.add (local.get $count) (i32.const 4)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $eachRow (local.get $rows))))

  ;; As "columns", from pixels of three times 16 bits. Two pixels fit in a vector: their weights stand as eight of 16 bits,
  ;; three for each pixel and two of 0. Six pixels are taken at a time, so that the usual results need no second round.
  (func (export "quickColumns")
    (param $src i32) (param $out i32) (param $rows i32) (param $pitch i32) (param $width i32)
    (param $first i32) (param $count i32) (param $weights i32) (param $stride i32)
    (local $x i32) (local $w i32) (local $end i32) (local $from i32) (local $row i32) (local $sum v128)
    (loop $eachRow
      (local.set $x (i32.const 0))
      (local.set $row (local.get $weights))
      (loop $eachPixel
        (local.set $from (i32.add (local.get $src) (i32.load (i32.add (local.get $first) (local.get $x)))))
        (local.set $w (local.get $row))
        (local.set $end (i32.add (local.get $w) (i32.load (i32.add (local.get $count) (local.get $x)))))
        (local.set $sum (v128.const i16x8 64 64 64 0 0 0 0 0))
        (loop $eachSix
          (local.set $sum (i16x8.add_sat_s
            (i16x8.add_sat_s (local.get $sum)
              (i16x8.relaxed_q15mulr_s (v128.load (local.get $from)) (v128.load (local.get $w))))
            (i16x8.add_sat_s
              (i16x8.relaxed_q15mulr_s (v128.load offset=12 (local.get $from)) (v128.load offset=16 (local.get $w)))
              (i16x8.relaxed_q15mulr_s (v128.load offset=24 (local.get $from)) (v128.load offset=32 (local.get $w))))))
          (local.set $from (i32.add (local.get $from) (i32.const 36)))
          (local.set $w (i32.add (local.get $w) (i32.const 48)))
          (br_if $eachSix (i32.lt_u (local.get $w) (local.get $end))))
        ;; The second pixels' sums onto the first ones'.
        (local.set $sum (i16x8.add_sat_s (local.get $sum)
          (i8x16.shuffle 6 7 8 9 10 11 12 13 14 15 14 15 14 15 14 15 (local.get $sum) (local.get $sum))))
        (local.set $sum (i16x8.shr_s (local.get $sum) (i32.const 7)))
        (v128.store32_lane 0 (local.get $out) (i8x16.narrow_i16x8_u (local.get $sum) (local.get $sum)))
        (local.set $out (i32.add (local.get $out) (i32.const 3)))
        (local.set $row (i32.add (local.get $row) (local.get $stride)))
        (local.set $x (i32.add (local.get $x) (i32.const 4)))
        (br_if $eachPixel (i32.lt_u (local.get $x) (i32.shl (local.get $width) (i32.const 2)))))
      (local.set $src (i32.add (local.get $src) (local.get $pitch)))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $eachRow (local.get $rows))))
  ;; The planes of a JPEG, before colours are mixed, one number a pixel. Between the passes a pixel is 127 times its distance from 128;
  ;; the weights of the columns make 64 times of it.

  ;; One row of a plane, 32 pixels at a time, up to 31 more than $width: rows in pairs, their weights two bytes, from $w to $end.
  (func $planeRow
    (param $src i32) (param $out i32) (param $width i32) (param $pitch i32) (param $weights i32) (param $end i32)
    (local $stop i32) (local $from i32) (local $w i32) (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $p v128) (local $q v128) (local $weight v128) (local $middle v128)
    (local.set $middle (i8x16.splat (i32.const 128)))
    (local.set $stop (i32.add (local.get $src) (local.get $width)))
    (loop $each32
      (local.set $from (local.get $src))
      (local.set $w (local.get $weights))
      (local.set $a (v128.const i64x2 0 0))
      (local.set $b (local.get $a))
      (local.set $c (local.get $a))
      (local.set $d (local.get $a))
      (loop $eachPair
        (local.set $weight (v128.load16_splat (local.get $w)))
        (local.set $p (v128.xor (v128.load (local.get $from)) (local.get $middle)))
        (local.set $q (v128.xor (v128.load (i32.add (local.get $from) (local.get $pitch))) (local.get $middle)))
        (local.set $a (i16x8.add (local.get $a) (i16x8.relaxed_dot_i8x16_i7x16_s
          (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $p) (local.get $q)) (local.get $weight))))
        (local.set $b (i16x8.add (local.get $b) (i16x8.relaxed_dot_i8x16_i7x16_s
          (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $p) (local.get $q)) (local.get $weight))))
        (local.set $p (v128.xor (v128.load offset=16 (local.get $from)) (local.get $middle)))
        (local.set $q (v128.xor (v128.load offset=16 (i32.add (local.get $from) (local.get $pitch))) (local.get $middle)))
        (local.set $c (i16x8.add (local.get $c) (i16x8.relaxed_dot_i8x16_i7x16_s
          (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $p) (local.get $q)) (local.get $weight))))
        (local.set $d (i16x8.add (local.get $d) (i16x8.relaxed_dot_i8x16_i7x16_s
          (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $p) (local.get $q)) (local.get $weight))))
        (local.set $from (i32.add (local.get $from) (i32.shl (local.get $pitch) (i32.const 1))))
        (br_if $eachPair (i32.lt_u (local.tee $w (i32.add (local.get $w) (i32.const 2))) (local.get $end))))
      (v128.store (local.get $out) (local.get $a))
      (v128.store offset=16 (local.get $out) (local.get $b))
      (v128.store offset=32 (local.get $out) (local.get $c))
      (v128.store offset=48 (local.get $out) (local.get $d))
      (local.set $out (i32.add (local.get $out) (i32.const 64)))
      (br_if $each32 (i32.lt_u (local.tee $src (i32.add (local.get $src) (i32.const 32))) (local.get $stop)))))

  ;; One row of brightness: eight taps at a time, in `blocks` rounds. Results come in fours, so up to three more than $width, and
  ;; are 1/64 levels. $weights: of four results in each round, eight of 16 bits each; $first: bytes.
  (func $brightness
    (param $src i32) (param $out i32) (param $width i32)
    (param $first i32) (param $weights i32) (param $blocks i32)
    (local $from i32) (local $end i32) (local $block i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $end (i32.add (local.get $out) (i32.shl (local.get $width) (i32.const 1))))
    (loop $eachFour
      (local.set $a (v128.const i64x2 0 0))
      (local.set $b (local.get $a))
      (local.set $c (local.get $a))
      (local.set $d (local.get $a))
      (local.set $from (local.get $src))
      (local.set $block (local.get $blocks))
      (loop $eachBlock
        (local.set $a (i32x4.add (local.get $a) (i32x4.dot_i16x8_s
          (v128.load (i32.add (local.get $from) (i32.load offset=0 (local.get $first))))
          (v128.load offset=0 (local.get $weights)))))
        (local.set $b (i32x4.add (local.get $b) (i32x4.dot_i16x8_s
          (v128.load (i32.add (local.get $from) (i32.load offset=4 (local.get $first))))
          (v128.load offset=16 (local.get $weights)))))
        (local.set $c (i32x4.add (local.get $c) (i32x4.dot_i16x8_s
          (v128.load (i32.add (local.get $from) (i32.load offset=8 (local.get $first))))
          (v128.load offset=32 (local.get $weights)))))
        (local.set $d (i32x4.add (local.get $d) (i32x4.dot_i16x8_s
          (v128.load (i32.add (local.get $from) (i32.load offset=12 (local.get $first))))
          (v128.load offset=48 (local.get $weights)))))
        (local.set $weights (i32.add (local.get $weights) (i32.const 64)))
        (local.set $from (i32.add (local.get $from) (i32.const 16)))
        (br_if $eachBlock (local.tee $block (i32.sub (local.get $block) (i32.const 1)))))
      ;; Four sums of four lanes each.
      (local.set $a (i32x4.add
        (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $a) (local.get $b))
        (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $a) (local.get $b))))
      (local.set $c (i32x4.add
        (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $c) (local.get $d))
        (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $c) (local.get $d))))
      (local.set $a (i32x4.shr_s (i32x4.add
        (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $a) (local.get $c))
        (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $a) (local.get $c)))
        (i32.const 15)))
      (v128.store64_lane 0 (local.get $out) (i16x8.narrow_i32x4_s (local.get $a) (local.get $a)))
      (local.set $first (i32.add (local.get $first) (i32.const 16)))
      (local.set $out (i32.add (local.get $out) (i32.const 8)))
      (br_if $eachFour (i32.lt_u (local.get $out) (local.get $end)))))

  ;; As $brightness, of both chroma planes at once, the second $apart bytes after the first: four taps at a time, their weights
  ;; twice. Results are the two planes' in turn.
  (func $chroma
    (param $src i32) (param $apart i32) (param $out i32) (param $width i32)
    (param $first i32) (param $weights i32) (param $blocks i32)
    (local $from i32) (local $at i32) (local $end i32) (local $block i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $end (i32.add (local.get $out) (i32.shl (local.get $width) (i32.const 2))))
    (loop $eachFour
      (local.set $a (v128.const i64x2 0 0))
      (local.set $b (local.get $a))
      (local.set $c (local.get $a))
      (local.set $d (local.get $a))
      (local.set $from (local.get $src))
      (local.set $block (local.get $blocks))
      (loop $eachBlock
        (local.set $at (i32.add (local.get $from) (i32.load offset=0 (local.get $first))))
        (local.set $a (i32x4.add (local.get $a) (i32x4.dot_i16x8_s
          (v128.load64_lane 1 (i32.add (local.get $at) (local.get $apart)) (v128.load64_zero (local.get $at)))
          (v128.load offset=0 (local.get $weights)))))
        (local.set $at (i32.add (local.get $from) (i32.load offset=4 (local.get $first))))
        (local.set $b (i32x4.add (local.get $b) (i32x4.dot_i16x8_s
          (v128.load64_lane 1 (i32.add (local.get $at) (local.get $apart)) (v128.load64_zero (local.get $at)))
          (v128.load offset=16 (local.get $weights)))))
        (local.set $at (i32.add (local.get $from) (i32.load offset=8 (local.get $first))))
        (local.set $c (i32x4.add (local.get $c) (i32x4.dot_i16x8_s
          (v128.load64_lane 1 (i32.add (local.get $at) (local.get $apart)) (v128.load64_zero (local.get $at)))
          (v128.load offset=32 (local.get $weights)))))
        (local.set $at (i32.add (local.get $from) (i32.load offset=12 (local.get $first))))
        (local.set $d (i32x4.add (local.get $d) (i32x4.dot_i16x8_s
          (v128.load64_lane 1 (i32.add (local.get $at) (local.get $apart)) (v128.load64_zero (local.get $at)))
          (v128.load offset=48 (local.get $weights)))))
        (local.set $weights (i32.add (local.get $weights) (i32.const 64)))
        (local.set $from (i32.add (local.get $from) (i32.const 8)))
        (br_if $eachBlock (local.tee $block (i32.sub (local.get $block) (i32.const 1)))))
      ;; Sums of two lanes each.
      (local.set $a (i32x4.shr_s (i32x4.add
        (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27 (local.get $a) (local.get $b))
        (i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31 (local.get $a) (local.get $b)))
        (i32.const 15)))
      (local.set $c (i32x4.shr_s (i32x4.add
        (i8x16.shuffle 0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27 (local.get $c) (local.get $d))
        (i8x16.shuffle 4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31 (local.get $c) (local.get $d)))
        (i32.const 15)))
      (v128.store (local.get $out) (i16x8.narrow_i32x4_s (local.get $a) (local.get $c)))
      (local.set $first (i32.add (local.get $first) (i32.const 16)))
      (local.set $out (i32.add (local.get $out) (i32.const 16)))
      (br_if $eachFour (i32.lt_u (local.get $out) (local.get $end)))))

  ;; A row of brightness and one of both chromas to RGB bytes, eight pixels at a time; up to nine pixels more than $width are
  ;; written. R = Y + 1.402 Cr, G = Y - 0.344136 Cb - 0.714136 Cr, B = Y + 1.772 Cb (JFIF), in 1/64 levels.
  ;; Constants are splats made before the loop: engines make a v128.const anew each time.
  (func $colours (param $y i32) (param $c i32) (param $out i32) (param $width i32)
    (local $end i32) (local $p v128) (local $q v128) (local $cb v128) (local $cr v128) (local $l v128)
    (local $half v128) (local $redCr v128) (local $greenCb v128) (local $greenCr v128) (local $blueCb v128)
    (local $three v128)
    ;; What was subtracted, and a half for rounding.
    (local.set $half (i16x8.splat (i32.const 8224)))
    (local.set $redCr (i16x8.splat (i32.const 13173)))
    (local.set $greenCb (i16x8.splat (i32.const 11277)))
    (local.set $greenCr (i16x8.splat (i32.const 23401)))
    (local.set $blueCb (i16x8.splat (i32.const 7471)))
    ;; Of four pixels of four bytes the first three each.
    (local.set $three (i64x2.replace_lane 1 (i64x2.splat (i64.const 0x0908060504020100))
      (i64.const 0x808080800e0d0c0a)))
    (local.set $end (i32.add (local.get $y) (i32.shl (local.get $width) (i32.const 1))))
    (loop $eachEight
      (local.set $p (v128.load (local.get $c)))
      (local.set $q (v128.load offset=16 (local.get $c)))
      (local.set $l (i16x8.add (v128.load (local.get $y)) (local.get $half)))
      (local.set $cb (i16x8.narrow_i32x4_s
        (i32x4.shr_s (i32x4.shl (local.get $p) (i32.const 16)) (i32.const 16))
        (i32x4.shr_s (i32x4.shl (local.get $q) (i32.const 16)) (i32.const 16))))
      (local.set $cr (i16x8.narrow_i32x4_s
        (i32x4.shr_s (local.get $p) (i32.const 16)) (i32x4.shr_s (local.get $q) (i32.const 16))))
      ;; Red and green, a byte each.
      (local.set $p (i8x16.narrow_i16x8_u
        (i16x8.shr_s (i16x8.add (i16x8.add (local.get $l) (local.get $cr))
          (i16x8.relaxed_q15mulr_s (local.get $cr) (local.get $redCr))) (i32.const 6))
        (i16x8.shr_s (i16x8.sub (i16x8.sub (local.get $l)
          (i16x8.relaxed_q15mulr_s (local.get $cb) (local.get $greenCb)))
          (i16x8.relaxed_q15mulr_s (local.get $cr) (local.get $greenCr))) (i32.const 6))))
      ;; Blue, and bytes that are left out again.
      (local.set $q (i16x8.shr_s (i16x8.add_sat_s (local.get $l)
        (i16x8.sub (i16x8.add (local.get $cb) (local.get $cb))
          (i16x8.relaxed_q15mulr_s (local.get $cb) (local.get $blueCb)))) (i32.const 6)))
      (local.set $q (i8x16.narrow_i16x8_u (local.get $q) (local.get $q)))
      (local.set $q (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $q) (local.get $q)))
      (local.set $p (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $p)
        (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $p) (local.get $p))))
      (v128.store (local.get $out) (i8x16.swizzle
        (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $p) (local.get $q)) (local.get $three)))
      (v128.store offset=12 (local.get $out) (i8x16.swizzle
        (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $p) (local.get $q)) (local.get $three)))
      (local.set $y (i32.add (local.get $y) (i32.const 16)))
      (local.set $c (i32.add (local.get $c) (i32.const 32)))
      (local.set $out (i32.add (local.get $out) (i32.const 24)))
      (br_if $eachEight (i32.lt_u (local.get $y) (local.get $end)))))

  ;; Three planes to RGB bytes, a row of the result after the other. $line: room for what stands between the passes. Taps of rows
  ;; are a table: for each result the first row's place, counted from its plane, and the ends of its weights, counted from $weights.
  (func (export "planes")
    (param $y i32) (param $cb i32) (param $cr i32) (param $pitch i32) (param $cPitch i32)
    (param $out i32) (param $width i32) (param $rows i32) (param $line i32)
    (param $yRows i32) (param $yRowWeights i32) (param $cRows i32) (param $cRowWeights i32)
    (param $yFirst i32) (param $yWeights i32) (param $yBlocks i32)
    (param $cFirst i32) (param $cWeights i32) (param $cBlocks i32)
    (local $u i32) (local $v i32) (local $both i32) (local $mixed i32)
    (local.set $u (i32.add (local.get $line) (i32.add (i32.shl (local.get $pitch) (i32.const 1)) (i32.const 64))))
    (local.set $v (i32.add (local.get $u) (i32.add (i32.shl (local.get $cPitch) (i32.const 1)) (i32.const 64))))
    (local.set $both (i32.add (local.get $v) (i32.add (i32.shl (local.get $cPitch) (i32.const 1)) (i32.const 64))))
    (local.set $mixed (i32.add (local.get $both) (i32.shl (i32.add (local.get $width) (i32.const 16)) (i32.const 1))))
    (loop $eachRow
      (call $planeRow (i32.add (local.get $y) (i32.load (local.get $yRows))) (local.get $line) (local.get $pitch) (local.get $pitch)
        (i32.add (local.get $yRowWeights) (i32.load offset=4 (local.get $yRows)))
        (i32.add (local.get $yRowWeights) (i32.load offset=8 (local.get $yRows))))
      (call $planeRow (i32.add (local.get $cb) (i32.load (local.get $cRows))) (local.get $u) (local.get $cPitch) (local.get $cPitch)
        (i32.add (local.get $cRowWeights) (i32.load offset=4 (local.get $cRows)))
        (i32.add (local.get $cRowWeights) (i32.load offset=8 (local.get $cRows))))
      (call $planeRow (i32.add (local.get $cr) (i32.load (local.get $cRows))) (local.get $v) (local.get $cPitch) (local.get $cPitch)
        (i32.add (local.get $cRowWeights) (i32.load offset=4 (local.get $cRows)))
        (i32.add (local.get $cRowWeights) (i32.load offset=8 (local.get $cRows))))
      (call $brightness (local.get $line) (local.get $both) (local.get $width)
        (local.get $yFirst) (local.get $yWeights) (local.get $yBlocks))
      (call $chroma (local.get $u) (i32.sub (local.get $v) (local.get $u)) (local.get $mixed) (local.get $width)
        (local.get $cFirst) (local.get $cWeights) (local.get $cBlocks))
      (call $colours (local.get $both) (local.get $mixed) (local.get $out) (local.get $width))
      (local.set $yRows (i32.add (local.get $yRows) (i32.const 12)))
      (local.set $cRows (i32.add (local.get $cRows) (i32.const 12)))
      (local.set $out (i32.add (local.get $out) (i32.mul (local.get $width) (i32.const 3))))
      (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
      (br_if $eachRow (local.get $rows)))))
