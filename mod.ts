/**
 * Semantic-aware auto-encoders for Deno: stream pictures, train an encoder on them without labels, and use it.
 *
 * A crop of a picture goes in, the rest of the picture, which the crop did not show, is reconstructed; the aligner uses
 * the recorded geometry of the crop to place the hidden code where it belongs (Wang, Tang, Lin, Torr, CVPR 2022).
 *
 * - Data: {@linkcode openData}, {@linkcode openSource}, {@linkcode streamBatches}, {@linkcode pack};
 *   {@linkcode beginAccount} and {@linkcode accountant} keep account of what comes of it
 * - Model: {@linkcode initModel}, {@linkcode encoder}, {@linkcode head}, {@linkcode align}, {@linkcode decoder},
 *   {@linkcode losses}, {@linkcode autoencoder}
 * - Training: {@linkcode trainStep}, {@linkcode train}
 * - Features: {@linkcode readModel}, {@linkcode embedder}, {@linkcode embedData}, {@linkcode probe}, {@linkcode measure}
 * - Search: {@linkcode openSearch}, {@linkcode searchPictures}, {@linkcode findDuplicates}, {@linkcode nearest}
 * - Re-identification: {@linkcode evaluateReid}, {@linkcode rightRanks}, {@linkcode reidMetrics}, {@linkcode trainWeakly}
 * - Comparing variants of the method: {@linkcode ablate}
 * - Detections: {@linkcode viewObjects}, {@linkcode moveBoxes}, {@linkcode cocoEval}, {@linkcode evaluateCoco},
 *   {@linkcode maskOfSegmentation}
 * - Classifiers: {@linkcode finetune}, {@linkcode readClassifier}, {@linkcode predictPictures}, {@linkcode judge}
 * - Detectors: {@linkcode trainDetector}, {@linkcode readDetector}, {@linkcode detectObjects}, {@linkcode measureDetector}
 * - Looking at runs: {@linkcode runsPage}, {@linkcode serveReport}
 * - Engines: {@linkcode openEngine}
 *
 * @example The pieces of a step: sizes, an engine, a model, features of a picture.
 * ```ts
 * import { embedder, initModel, openEngine, PRESETS } from "./mod.ts";
 * import assert from "node:assert/strict";
 *
 * const config = { ...PRESETS.demo, imageSize: 16, width: 32, depth: 1 };
 * const engine = await openEngine("wasm");
 * const model = initModel(config, 0);
 * const grey = new Uint8Array(16 * 16 * 3).fill(128);
 * const features = await embedder(engine, config, { batchSize: 1 }).pictures(model, grey);
 * assert.equal(features.class.data.length, 32);
 * await engine.close();
 * ```
 *
 * @module
 */

// Data: where pictures come from and how they flow.
export type { Batch, Cursor, ImageRecord, PassedOver, Picture, Source } from "./src/data/types.ts";
export { BadRecordError, LostRecordsError, NoPictureError, PictureError } from "./src/data/types.ts";
export { openData, type OpenDataOptions, openSource } from "./src/data/open/open_data.ts";
export { closeData, type Data, dataLength, dataUri } from "./src/data/open/data.ts";
export { collect } from "./src/data/open/collect.ts";
export { mixSources } from "./src/data/epoch/mix.ts";
export { streamRecords, type StreamSource } from "./src/data/epoch/shuffle.ts";
export { type DataUri, parseDataUri, type SourceUri } from "./src/data/open/parse_data_uri.ts";
export type { FormatOption, OpenRequest, PathLook, SourceFormat } from "./src/data/sources/format.ts";
export { FORMATS } from "./src/data/sources/registry.ts";
export { parseProcess, part } from "./src/data/epoch/process_share.ts";
export { select } from "./src/data/sources/select.ts";
export { type BadRecord, streamBatches, type StreamOptions } from "./src/data/stream.ts";
export {
  type Accountant,
  accountant,
  type DataAccount,
  type EpochAccount,
  type ReasonAccount,
  type ShardAccount,
  type SourceAccount,
} from "./src/data/epoch/account.ts";
export { beginAccount } from "./src/data/epoch/begin_account.ts";
export { describeAccount } from "./src/data/epoch/account_text.ts";
export { BadLimitError } from "./src/data/epoch/bad_limit.ts";
export { type DataReport, reportData, type ReportOptions } from "./src/data/report.ts";
export { pack, type PackOptions, type PackProgress, type PackReport } from "./src/data/pack.ts";
export { type DecodeOptions, decodePicture } from "./src/data/picture/decode.ts";
export { basePicture, evaluationPicture, resize } from "./src/data/picture/resize.ts";
export { batch, type Items, map, prefetch, range, repeat, shuffle, take } from "./src/data/iter.ts";
export { permutation } from "./src/data/epoch/permutation.ts";
export { randomStream } from "./src/random.ts";

// Views: crops with recorded geometry.
export { type ColourJitter, type Crop, type View, VIEW_FIELDS } from "./src/views/types.ts";
export { DEFAULT_VIEWS, sampleView, type ViewOptions } from "./src/views/sample.ts";
export { packView, unpackView } from "./src/views/pack.ts";
export { type Box, boxesOf, boxOf } from "./src/views/geometry.ts";
export { denormalise, MEAN, renderReference, renderViews, STD } from "./src/views/render.ts";

// Model: pure functions of parameters and input.
export { checkModel } from "./src/model/check_model.ts";
export {
  type EncoderSizes,
  encoderSizes,
  gridSize,
  type ModelConfig,
  type ModelPreset,
  PRESETS,
  tokenCount,
} from "./src/model/config.ts";
export type { ModelState, Params } from "./src/model/types.ts";
export { initModel } from "./src/model/init.ts";
export { type Encoded, encoder } from "./src/model/encoder.ts";
export { type Coded, head } from "./src/model/head.ts";
export { align, type Aligned } from "./src/model/aligner.ts";
export { type Decoded, decoder } from "./src/model/decoder.ts";
export { DEFAULT_LOSS, type LossConfig } from "./src/model/loss_config.ts";
export { LOSS_TERMS, type Losses, losses, type LossTerm, type LossTerms } from "./src/model/loss.ts";
export { autoencoder, type AutoencoderInput, type AutoencoderResult } from "./src/model/autoencoder.ts";
export { valueAndGradients } from "./src/model/gradients.ts";
export { stackViews, viewOf } from "./src/model/stack.ts";
export {
  loadWeights,
  weightsFromTensors,
  type WeightsOptions,
  weightsToTensors,
} from "./src/model/weights.ts";

// Training.
export {
  type StepArgs,
  type StepBatch,
  type StepLayout,
  type StepMetrics,
  type StepResult,
  trainStep,
} from "./src/train/step.ts";
export { batchTensors, readValues, scalarTensors } from "./src/train/step_inputs.ts";
export { adamw, type AdamWInput, type AdamWResult, type OptimizerKind } from "./src/train/optimizer.ts";
export { isMuons, muon } from "./src/train/muon.ts";
export { stepScalars } from "./src/train/schedule.ts";
export { disposeTree, initialState, readState, type TrainState, writeState } from "./src/train/state.ts";
export { latestCheckpoint, readCheckpoint, saveCheckpoint } from "./src/train/run/checkpoint.ts";
export { type Best, type BestFigure, readBest } from "./src/train/run/best.ts";
export {
  type Evaluation,
  type EvaluationLine,
  type MetricsLine,
  readEvaluations,
  readMetrics,
} from "./src/train/run/metrics_file.ts";
export { presetConfig } from "./src/train/config/presets.ts";
export { resolveConfig } from "./src/train/config/config.ts";
export type { RunConfig } from "./src/train/config/settings.ts";
export { lockRun } from "./src/train/run/folder.ts";
export { InUseError, type Lock } from "./src/files/lock.ts";
export { train, type TrainOptions, type TrainResult } from "./src/train/train.ts";
export { type Cadence, type Evaluator, EvaluatorError, type Moment } from "./src/train/evaluators.ts";
export { type BatchSizeOptions, withBatchSize } from "./src/train/auto_batch.ts";
export { type MinutesOptions, withMinutes } from "./src/train/minutes.ts";
export { measureRate, type RateOptions } from "./src/train/rate.ts";
export { NonFiniteError } from "./src/train/finite.ts";
export { launchSettings, type NodeSettings } from "./src/train/launch/launch_settings.ts";
export type { Environment } from "./src/train/launch/launchers.ts";

// What was learned.
export { type ReadWeights, readWeights, type WeightsRequest } from "./src/weights/read.ts";
export { checkWarmStart, type WarmStart, warmStart } from "./src/weights/warm_start.ts";
export {
  type ExportedFile,
  type ExportedModel,
  exportModel,
  type ExportOptions,
} from "./src/weights/export/export.ts";
export { EXPORT_FORMATS, type ExportFormat } from "./src/weights/export/formats.ts";
export { WeightsError } from "./src/weights/files/types.ts";
export { readModel, type ReadModelOptions, type StoredModel } from "./src/eval/stored_model.ts";
export { type Embedder, embedder, type Embedding, type EmbedOptions } from "./src/eval/embed.ts";
export { embedData, type EmbedDataOptions, type EmbedProgress } from "./src/eval/embedding/embed_data.ts";
export type { EmbedWay } from "./src/eval/embedding/way.ts";
export type { Preparation } from "./src/data/picture/preparation.ts";
export type { EmbeddingInfo, Preprocessing, TokenName } from "./src/eval/embedding/info.ts";
export type { EmbeddingFile } from "./src/eval/embedding/format.ts";
export { isEmbedding, openEmbedding } from "./src/eval/embedding/open.ts";
export { weightsDigest } from "./src/eval/weights_digest.ts";
export { features } from "./src/eval/features.ts";
export { findNeighbours, knnClasses, knnHits } from "./src/eval/knn.ts";
export { nearest, type NearestOptions, type Neighbours } from "./src/eval/nearest.ts";
export { type Rows, unitRows } from "./src/eval/rows.ts";
export {
  fileGallery,
  type Gallery,
  type GalleryBlock,
  keptGallery,
  rowsGallery,
} from "./src/eval/search/gallery.ts";
export { type SearchPrograms, searchPrograms } from "./src/eval/search/programs.ts";
export {
  type DuplicateMember,
  type Duplicates,
  type DuplicatesOptions,
  findDuplicates,
} from "./src/eval/search/duplicates.ts";
export { openPictureSet, type PictureSet, setRows } from "./src/eval/search/set.ts";
export { filterPictures, type PictureFilter } from "./src/eval/search/filter.ts";
export { type QueryEncoder, queryEncoder } from "./src/eval/search/encode.ts";
export { type OpenSearch, openSearch, type OpenSearchOptions } from "./src/eval/search/open.ts";
export {
  type FoundPicture,
  type PictureQuery,
  type PictureResult,
  type SearchOptions,
  searchPictures,
} from "./src/eval/search/search.ts";
export { bootstrap, type Share, type TopHits } from "./src/eval/hits.ts";
export { type HeadsAfter, type HeadTraining, type LabelledRows, trainHeads } from "./src/eval/heads.ts";
export { type Logistic, logisticFitter, logisticHits } from "./src/eval/logistic.ts";
export {
  measure,
  type Measured,
  type MeasureOptions,
  type MeasureReport,
  type MeasuringModel,
} from "./src/eval/measure.ts";
export type { ProtocolName, ProtocolOptions, ProtocolRow } from "./src/eval/protocols/types.ts";
export { formatMeasures, type TableKind } from "./src/eval/protocols/table.ts";
export { trainProbe } from "./src/eval/linear.ts";
export { probe } from "./src/eval/probe.ts";
export { trainingProbe, type TrainingProbeOptions } from "./src/eval/training_probe.ts";
export { checkpointFigures, type CheckpointFiguresOptions } from "./src/eval/figures/at_checkpoints.ts";
export { reconstructionPicture } from "./src/eval/reconstruction.ts";
export { type MaskedFile, maskedFiles } from "./src/eval/segmentation/masked_files.ts";
export type { SegmentationOptions } from "./src/eval/segmentation/options.ts";
export { segmentationProbe, type SegmentationReport } from "./src/eval/segmentation/probe.ts";
export { decodeSafetensors, encodeSafetensors, openSafetensors } from "./src/files/safetensors.ts";

// Re-identification.
export { type Person, personOf } from "./src/data/sources/people/names.ts";
export { type People, peopleOf, type Persons } from "./src/reid/people.ts";
export { type RankOptions, rightRanks } from "./src/reid/ranks.ts";
export { type FeatureRows, heldRows } from "./src/reid/scores.ts";
export { type QueryFigures, queryFigures, type ReidMetrics, reidMetrics } from "./src/reid/metrics.ts";
export { nearestPersons, type NearPicture } from "./src/reid/nearest.ts";
export { type Mirror, personFeatures, type PersonInput, personWay } from "./src/reid/embed.ts";
export {
  evaluateReid,
  type ReidExample,
  type ReidOptions,
  type ReidReport,
  type ReidSide,
} from "./src/reid/evaluate.ts";
export { reidSheet } from "./src/reid/sheet.ts";
export { formatReid } from "./src/reid/table.ts";
export { type Bag, type BagList, readBags } from "./src/data/sources/people/bags.ts";
export { type FolderedSource, openNumberedFolders } from "./src/data/sources/people/numbered_folders.ts";
export { bagBatches, type BagBatchOptions } from "./src/reid/weak/batches.ts";
export { pairwiseLoss, pseudoLabels, unaryLoss, weakTripletLoss } from "./src/reid/weak/losses.ts";
export { WEAK_DEFAULTS, type WeakConfig } from "./src/reid/weak/config.ts";
export { type WeakInputs, type WeakSettings, type WeakState, weakStep } from "./src/reid/weak/step.ts";
export { trainWeakly, type WeakResult } from "./src/reid/weak/train.ts";
export type { TrainWeaklyOptions } from "./src/reid/weak/session.ts";

// Comparing variants of the method.
export { ablate, type AblateOptions, lockAblation } from "./src/ablate/ablate.ts";
export { type AblationData, type AblationUris, openAblationData } from "./src/ablate/data.ts";
export { readPlan, writePlan } from "./src/ablate/plan.ts";
export { type AblationTable, ablationTable, formatAblation } from "./src/ablate/table.ts";
export type { AblationPlan, AblationResult, Budget, Score } from "./src/ablate/types.ts";
export { chooseVariants, DEFAULT_VARIANTS, type Variant, VARIANTS } from "./src/ablate/variants.ts";

// Detections: boxes that travel with pictures, average precision as COCO counts it, masks.
export type { PictureObjects } from "./src/data/types.ts";
export { movedObjects, picturesWithObjects, resizedObjects, viewObjects } from "./src/data/objects.ts";
export {
  type BoxMap,
  type BoxSize,
  cropMap,
  type CutBoxes,
  cutBoxes,
  inverseMap,
  joinMaps,
  type LetterBox,
  letterBox,
  moveBoxes,
  resizeMap,
} from "./src/views/boxes.ts";
export { cocoEval, type CocoEvalOptions } from "./src/coco/coco_eval.ts";
export { readCocoDetections, readCocoTruth } from "./src/coco/read.ts";
export { cocoTruth } from "./src/coco/truth.ts";
export { cocoDetections } from "./src/coco/detections.ts";
export { type CocoEvaluation, evaluateCoco } from "./src/coco/evaluate.ts";
export { AREAS, type CocoOptions, IOU_THRESHOLDS } from "./src/coco/options.ts";
export {
  type CategoryRow,
  type CocoReport,
  type CocoSummary,
  reportCoco,
  summarizeCoco,
} from "./src/coco/summary.ts";
export { formatCoco } from "./src/coco/text.ts";
export type {
  CocoAnnotation,
  CocoCategory,
  CocoDetections,
  CocoImage,
  CocoResult,
  CocoTruth,
  IouType,
  Objects,
} from "./src/coco/types.ts";
export type { CocoId } from "./src/data/sources/coco_ids.ts";
export { CocoError } from "./src/coco/error.ts";
export { boxIou, maskIou } from "./src/coco/iou.ts";
export {
  type CocoBox,
  type Mask,
  maskArea,
  maskBox,
  maskFromPixels,
  pixelsOfMask,
  runsFromText,
  textFromRuns,
  uniteMasks,
} from "./src/coco/mask.ts";
export { type MaskList, maskList } from "./src/coco/mask_list.ts";
export { boxMask, polygonMask } from "./src/coco/polygon.ts";
export { maskOfSegmentation, type PictureSize } from "./src/coco/segmentation.ts";

// Classifiers on the encoder.
export { finetune, type FinetuneOptions, type FinetuneResult } from "./src/finetune/finetune.ts";
export { resolveFinetuneConfig } from "./src/finetune/config.ts";
export type { FinetuneConfig, FinetunePreset } from "./src/finetune/settings.ts";
export { finetunePreset } from "./src/finetune/presets.ts";
export {
  type LabelledPictures,
  labelledPictures,
  type LabelOptions,
  pickPictures,
} from "./src/finetune/labelled.ts";
export { type LabelBudget, withinBudget } from "./src/finetune/budget.ts";
export { type Accuracy, type TestPictures, testPictures } from "./src/finetune/evaluate.ts";
export { type ClassifierConfig, classify, type Pooling } from "./src/finetune/model.ts";
export {
  readClassifier,
  type ReadClassifierOptions,
  type StoredClassifier,
} from "./src/finetune/classifier_file.ts";
export {
  type Prediction,
  type PredictOptions,
  predictPictures,
  rankedClasses,
} from "./src/finetune/predict.ts";
export { type ClassifierReport, judge, type Judged } from "./src/finetune/measures.ts";
export { exportedClassifier } from "./src/finetune/export.ts";

// Detectors on the encoder.
export { trainDetector, type TrainDetectorOptions } from "./src/detect/train.ts";
export { resolveDetectConfig } from "./src/detect/config.ts";
export type { DetectConfig, DetectPreset } from "./src/detect/settings.ts";
export { detectPreset } from "./src/detect/presets.ts";
export {
  type AnnotatedSource,
  annotatedSource,
  type TrainingPictures,
  trainingPictures,
} from "./src/detect/annotated.ts";
export { type TestObjects, testObjects } from "./src/detect/truth.ts";
export { detectorAnswers, type DetectorConfig } from "./src/detect/model.ts";
export { readDetector, type StoredDetector } from "./src/detect/detector_file.ts";
export { type ChoosingOptions, type Finder, finder } from "./src/detect/candidates.ts";
export { detectObjects, type DetectOptions, type FoundObjects } from "./src/detect/found.ts";
export { type Detections, suppress, type SuppressOptions } from "./src/detect/nms.ts";
export { type DetectorFigures, measureDetector, type MeasureDetectorOptions } from "./src/detect/evaluate.ts";
export { drawDetections } from "./src/detect/draw.ts";

// Looking at runs.
export { serveReport } from "./src/report/serve.ts";
export type { ServedPage, ServeOptions } from "./src/web/server.ts";
export { runsPage } from "./src/report/write.ts";
export { type Searched, type SearchQuery, serveSearch } from "./src/search/serve.ts";
export { type SearchedSet, searchedSet, type SearchedSetOptions } from "./src/search/set.ts";

// Planning: what a training will take on graphics cards that are not here.
export type { PlanOptions } from "./src/plan/options.ts";
export { type Plan, plan, type StepPlan } from "./src/plan/plan.ts";
export { type Card, CARDS } from "./src/plan/cards.ts";
export { parseCard, readCard } from "./src/plan/gpu_file.ts";
export {
  type CardCompiler,
  type CardProgram,
  compileFor,
  type CompilerOptions,
  findCompiler,
  PlanError,
  type Spread,
  TooLargeError,
} from "./src/plan/compiler.ts";
export { formatPlan, planJson, type PlanTextOptions } from "./src/plan/plan_text.ts";
export { type Exchange, type Network, NETWORKS } from "./src/plan/exchange.ts";
export {
  type HloArray,
  type HloComputation,
  HloError,
  type HloModule,
  type HloOperation,
  parseHlo,
} from "./src/plan/hlo.ts";
export { type Collective, type Kernel, kernelsOf } from "./src/plan/kernels.ts";
export type { ProductKind } from "./src/plan/products.ts";
export { type Roofline, roofline, timed, type TimedKernel } from "./src/plan/roofline.ts";
export { type StreamNeed, streamNeed } from "./src/plan/stream.ts";

// Engines: what runs the tensors.
export { type EngineOptions, openEngine } from "./src/engine/open.ts";
export { InstallError } from "./src/engine/install/error.ts";
export { formatEngines, type FoundEngine, listEngines } from "./src/engine/list.ts";
export { selfTest, UnfitEngineError } from "./src/engine/self_test/self_test.ts";
export type { CompileReport, Engine, EngineName, JitOptions, Jitted, Precision } from "./src/engine/types.ts";
export type { Tree } from "./src/engine/tensors.ts";
