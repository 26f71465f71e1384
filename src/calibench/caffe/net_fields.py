"""Caffe's messages, without those of single layers: net, blobs, samples, rules, preparation of data.

One entry a message: `name:number:type`, then `*` where the field repeats, `+` where it repeats and is packed, and
`=default`. Types: i int32, I int64, u uint32, f float, d double, b bool, s string, y bytes; anything else is a message
or an enum of these tables. Names and numbers are those of Caffe's files (BVLC 1.0, its SSD branch and Intel's fork);
a number above 100000 is ours, for a field that forks have put on numbers of others. The blobs of
a weights file are read by `blob_bytes`, which looks at no other field, so that no such clash can spoil them.
"""

NET: dict[str, str] = {
    "NetParameter": "name:1:s layers:2:V1LayerParameter* input:3:s* input_dim:4:i* force_backward:5:b=false "
    "state:6:NetState debug_info:7:b=false input_shape:8:BlobShape* engine:9:s compile_net_state:10:CompileNetState "
    "bn_stats_batch_size:11:u=0 layer:100:LayerParameter* multinode:101:Multinode",
    "NetState": "phase:1:Phase=TEST level:2:i=0 stage:3:s*",
    "NetStateRule": "phase:1:Phase min_level:2:i max_level:3:i stage:4:s* not_stage:5:s*",
    "CompileNetState": "is_init:1:b=true bn_scale_remove:2:b=false bn_scale_merge:3:b=false kept_bn_layers:4:s* "
    "negative_conv_names:5:s* negative_conv_indexes:6:u*",
    "Multinode": "model_parallel:1:ModelParallel* compress_layer_type_list:2:CompressTypes",
    "ModelParallel": "layer_from:1:s layer_to:2:s num_nodes:3:u model_parts:4:u",
    "CompressTypes": "layer_type:1:s*",
    "ParamSpec": "name:1:s share_mode:2:ParamSpec.DimCheckMode lr_mult:3:f=1 decay_mult:4:f=1",
    "FillerParameter": "type:1:s=constant value:2:f=0 min:3:f=0 max:4:f=1 mean:5:f=0 std:6:f=1 sparse:7:i=-1 "
    "variance_norm:8:FillerParameter.VarianceNorm=FAN_IN scale:9:f=1 file:100001:s",
}

BLOBS: dict[str, str] = {
    "BlobShape": "dim:1:I+",
    "BlobProto": "num:1:i=0 channels:2:i=0 height:3:i=0 width:4:i=0 data:5:f+ diff:6:f+ shape:7:BlobShape "
    "double_data:8:d+ double_diff:9:d+",
    "BlobProtoVector": "blobs:1:BlobProto*",
}

SAMPLES: dict[str, str] = {
    "Datum": "channels:1:i height:2:i width:3:i data:4:y label:5:i float_data:6:f* encoded:7:b=false",
    "AnnotatedDatum": "datum:1:Datum type:2:AnnotatedDatum.AnnotationType annotation_group:3:AnnotationGroup*",
    "AnnotationGroup": "group_label:1:i annotation:2:Annotation*",
    "Annotation": "instance_id:1:i=0 bbox:2:NormalizedBBox",
    "NormalizedBBox": "xmin:1:f ymin:2:f xmax:3:f ymax:4:f label:5:i difficult:6:b score:7:f size:8:f",
    "LabelMap": "item:1:LabelMapItem*",
    "LabelMapItem": "name:1:s label:2:i display_name:3:s",
}

PREPARATION: dict[str, str] = {
    "TransformationParameter": "scale:1:f=1 mirror:2:b=false crop_size:3:u=0 mean_file:4:s mean_value:5:f* "
    "force_color:6:b=false force_gray:7:b=false resize_param:8:ResizeParameter noise_param:9:NoiseParameter "
    "emit_constraint:10:EmitConstraint crop_h:11:u=0 crop_w:12:u=0 distort_param:13:DistortionParameter "
    "expand_param:14:ExpansionParameter random_resize_param:15:RandomResizeParameter "
    "random_aspect_ratio_param:16:RandomAspectRatioParameter flow:17:b=false bgr2rgb:18:b=false pad:19:u=0",
    "ResizeParameter": "prob:1:f=1 resize_mode:2:ResizeParameter.Resize_mode=WARP height:3:u=0 width:4:u=0 "
    "pad_mode:5:ResizeParameter.Pad_mode=CONSTANT pad_value:6:f* interp_mode:7:ResizeParameter.Interp_mode* "
    "height_scale:8:u=0 width_scale:9:u=0",
    "RandomResizeParameter": "min_size:1:u=0 max_size:2:u=0 resize_param:3:ResizeParameter",
    "RandomAspectRatioParameter": "min_area_ratio:1:f=0.5 max_area_ratio:2:f=1 aspect_ratio_change:3:f=1 "
    "max_attempt:4:u=10 resize_param:5:ResizeParameter",
    "NoiseParameter": "prob:1:f=0 hist_eq:2:b=false inverse:3:b=false decolorize:4:b=false gauss_blur:5:b=false "
    "jpeg:6:f=-1 posterize:7:b=false erode:8:b=false saltpepper:9:b=false saltpepper_param:10:SaltPepperParameter "
    "clahe:11:b=false convert_to_hsv:12:b=false convert_to_lab:13:b=false",
    "SaltPepperParameter": "fraction:1:f=0 value:2:f*",
    "DistortionParameter": "brightness_prob:1:f=0 brightness_delta:2:f=0 contrast_prob:3:f=0 contrast_lower:4:f=0 "
    "contrast_upper:5:f=0 hue_prob:6:f=0 hue_delta:7:f=0 saturation_prob:8:f=0 saturation_lower:9:f=0 "
    "saturation_upper:10:f=0 random_order_prob:11:f=0",
    "ExpansionParameter": "prob:1:f=1 max_expand_ratio:2:f=1",
    "EmitConstraint": "emit_type:1:EmitConstraint.EmitType=CENTER emit_overlap:2:f",
    "Sampler": "min_scale:1:f=1 max_scale:2:f=1 min_aspect_ratio:3:f=1 max_aspect_ratio:4:f=1",
    "SampleConstraint": "min_jaccard_overlap:1:f max_jaccard_overlap:2:f min_sample_coverage:3:f "
    "max_sample_coverage:4:f min_object_coverage:5:f max_object_coverage:6:f",
    "BatchSampler": "use_original_image:1:b=true sampler:2:Sampler sample_constraint:3:SampleConstraint max_sample:4:u "
    "max_trials:5:u=100",
}

ENUMS: dict[str, str] = {
    "Phase": "TRAIN=0 TEST=1",
    "Kernel.Engine": "DEFAULT=0 CAFFE=1 CUDNN=2 MKL2017=3 MKLDNN=4",
    "ParamSpec.DimCheckMode": "STRICT=0 PERMISSIVE=1",
    "FillerParameter.VarianceNorm": "FAN_IN=0 FAN_OUT=1 AVERAGE=2",
    "AnnotatedDatum.AnnotationType": "BBOX=0",
    "ResizeParameter.Resize_mode": "WARP=1 FIT_SMALL_SIZE=2 FIT_LARGE_SIZE_AND_PAD=3",
    "ResizeParameter.Pad_mode": "CONSTANT=1 MIRRORED=2 REPEAT_NEAREST=3",
    "ResizeParameter.Interp_mode": "LINEAR=1 AREA=2 NEAREST=3 CUBIC=4 LANCZOS4=5",
    "EmitConstraint.EmitType": "CENTER=0 MIN_OVERLAP=1",
    "LossParameter.NormalizationMode": "FULL=0 VALID=1 BATCH_SIZE=2 PRE_FIXED=3 NONE=4",
    "ConvolutionParameter.FusionType": "NONE_FUSION=0 SUM_FUSION=1",
    "DataParameter.DB": "LEVELDB=0 LMDB=1",
    "PoolingParameter.PoolMethod": "MAX=0 AVE=1 STOCHASTIC=2",
    "PoolingParameter.RoundMode": "CEIL=0 FLOOR=1",
    "EltwiseParameter.EltwiseOp": "PROD=0 SUM=1 MAX=2",
    "HingeLossParameter.Norm": "L1=1 L2=2",
    "LRNParameter.NormRegion": "ACROSS_CHANNELS=0 WITHIN_CHANNEL=1",
    "ReductionParameter.ReductionOp": "SUM=1 ASUM=2 SUMSQ=3 MEAN=4",
    "PriorBoxParameter.CodeType": "CORNER=1 CENTER_SIZE=2 CORNER_SIZE=3",
    "MultiBoxLossParameter.LocLossType": "L2=0 SMOOTH_L1=1",
    "MultiBoxLossParameter.ConfLossType": "SOFTMAX=0 LOGISTIC=1",
    "MultiBoxLossParameter.MatchType": "BIPARTITE=0 PER_PREDICTION=1",
    "MultiBoxLossParameter.MiningType": "NONE=0 MAX_NEGATIVE=1 HARD_EXAMPLE=2",
    "EvalDetectionParameter.ScoreType": "OBJ=0 PROB=1 MULTIPLY=2",
    "BNParameter.BNMode": "LEARN=0 INFERENCE=1",
    "VideoDataParameter.VideoType": "WEBCAM=0 VIDEO=1",
    "QuantizationParameter.Precision": "DYNAMIC_FIXED_POINT=0",
    "QuantizationParameter.Rounding": "NEAREST=0",
    "V1LayerParameter.LayerType": "NONE=0 ACCURACY=1 BNLL=2 CONCAT=3 CONVOLUTION=4 DATA=5 DROPOUT=6 EUCLIDEAN_LOSS=7 "
    "FLATTEN=8 HDF5_DATA=9 HDF5_OUTPUT=10 IM2COL=11 IMAGE_DATA=12 INFOGAIN_LOSS=13 INNER_PRODUCT=14 LRN=15 "
    "MULTINOMIAL_LOGISTIC_LOSS=16 POOLING=17 RELU=18 SIGMOID=19 SOFTMAX=20 SOFTMAX_LOSS=21 SPLIT=22 TANH=23 "
    "WINDOW_DATA=24 ELTWISE=25 POWER=26 SIGMOID_CROSS_ENTROPY_LOSS=27 HINGE_LOSS=28 MEMORY_DATA=29 ARGMAX=30 "
    "THRESHOLD=31 DUMMY_DATA=32 SLICE=33 MVN=34 ABSVAL=35 SILENCE=36 CONTRASTIVE_LOSS=37 EXP=38 DECONVOLUTION=39",
}
