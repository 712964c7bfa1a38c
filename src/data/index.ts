export { type Dataset, randomSplit, Subset, TensorDataset } from './dataset';
export { type Categories, type Category, LabelEncoder, OneHotEncoder } from './encoder';
export { type Batch, DataLoader, type DataLoaderOptions } from './loader';
export type { PreprocessorState } from './preprocessor';
export { MinMaxScaler, StandardScaler } from './scaler';
