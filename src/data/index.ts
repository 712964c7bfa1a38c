export { type Dataset, Subset, TensorDataset } from './dataset';
export { type Categories, type Category, LabelEncoder, OneHotEncoder } from './encoder';
export { type Batch, DataLoader, type DataLoaderOptions, type LoaderState } from './loader';
export type { PreprocessorState } from './preprocessor';
export { type Sampler, WeightedRandomSampler, type WeightedRandomSamplerOptions } from './sampler';
export { MinMaxScaler, StandardScaler } from './scaler';
export { type KFoldOptions, kFold, randomSplit, type SplitOptions, type Stratify } from './splits';
export { IterableDataset, type IterableDatasetOptions, type Row, type RowSource } from './stream';
