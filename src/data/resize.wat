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
          (local.set $a (i16x8.add_sat_s (local.get $a) (i16x8.q15mulr_sat_s
            (i16x8.shl (i16x8.extend_low_i8x16_u (local.get $pixels)) (i32.const 7)) (local.get $weight))))
          (local.set $b (i16x8.add_sat_s (local.get $b) (i16x8.q15mulr_sat_s
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
              (i16x8.q15mulr_sat_s (v128.load (local.get $from)) (v128.load (local.get $w))))
            (i16x8.add_sat_s
              (i16x8.q15mulr_sat_s (v128.load offset=12 (local.get $from)) (v128.load offset=16 (local.get $w)))
              (i16x8.q15mulr_sat_s (v128.load offset=24 (local.get $from)) (v128.load offset=32 (local.get $w))))))
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
      (br_if $eachRow (local.get $rows)))))
