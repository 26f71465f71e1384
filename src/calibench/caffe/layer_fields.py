"""The messages of Caffe's layers: the layer itself, in its present and its older layouts, and its parameters.

The notation is that of `net_fields`.
"""

LAYER = (
    "name:1:s type:2:s bottom:3:s* top:4:s* loss_weight:5:f* param:6:ParamSpec* blobs:7:BlobProto* "
    "include:8:NetStateRule* exclude:9:NetStateRule* phase:10:Phase propagate_down:11:b* "
    "transform_param:100:TransformationParameter loss_param:101:LossParameter accuracy_param:102:AccuracyParameter "
    "argmax_param:103:ArgMaxParameter concat_param:104:ConcatParameter "
    "contrastive_loss_param:105:ContrastiveLossParameter convolution_param:106:ConvolutionParameter "
    "data_param:107:DataParameter dropout_param:108:DropoutParameter dummy_data_param:109:DummyDataParameter "
    "eltwise_param:110:EltwiseParameter exp_param:111:ExpParameter hdf5_data_param:112:HDF5DataParameter "
    "hdf5_output_param:113:HDF5OutputParameter hinge_loss_param:114:HingeLossParameter "
    "image_data_param:115:ImageDataParameter infogain_loss_param:116:InfogainLossParameter "
    "inner_product_param:117:InnerProductParameter lrn_param:118:LRNParameter "
    "memory_data_param:119:MemoryDataParameter mvn_param:120:MVNParameter pooling_param:121:PoolingParameter "
    "power_param:122:PowerParameter relu_param:123:ReLUParameter sigmoid_param:124:SigmoidParameter "
    "softmax_param:125:SoftmaxParameter slice_param:126:SliceParameter tanh_param:127:TanHParameter "
    "threshold_param:128:ThresholdParameter window_data_param:129:WindowDataParameter "
    "python_param:130:PythonParameter prelu_param:131:PReLUParameter spp_param:132:SPPParameter "
    "reshape_param:133:ReshapeParameter log_param:134:LogParameter flatten_param:135:FlattenParameter "
    "reduction_param:136:ReductionParameter embed_param:137:EmbedParameter tile_param:138:TileParameter "
    "batch_norm_param:139:BatchNormParameter elu_param:140:ELUParameter bias_param:141:BiasParameter "
    "scale_param:142:ScaleParameter input_param:143:InputParameter crop_param:144:CropParameter "
    "parameter_param:145:ParameterParameter recurrent_param:146:RecurrentParameter swish_param:147:SwishParameter "
    "engine:149:s multinode:150:LayerMultinode mn_activation_param:151:MnActivation "
    "box_annotator_ohem_param:152:BoxAnnotatorOHEMParameter psroi_pooling_param:153:PSROIPoolingParameter "
    "roi_pooling_param:154:ROIPoolingParameter spatial_dropout_param:155:DropoutParameter "
    "mn_grad_compress_param:156:MnGradCompress quantization_param:158:QuantizationParameter "
    "reorg_param:159:ReorgParameter annotated_data_param:200:AnnotatedDataParameter "
    "multibox_loss_param:201:MultiBoxLossParameter permute_param:202:PermuteParameter "
    "prior_box_param:203:PriorBoxParameter detection_output_param:204:DetectionOutputParameter "
    "detection_evaluate_param:205:DetectionEvaluateParameter norm_param:206:NormalizeParameter "
    "video_data_param:207:VideoDataParameter split_param:208:SplitParameter region_loss_param:209:RegionLossParameter "
    "eval_detection_param:301:EvalDetectionParameter clip_param:100001:ClipParameter "
    "smooth_l1_loss_param:148:SmoothL1LossParameter proposal_param:100003:ProposalParameter "
    "interp_param:100004:InterpParameter upsample_param:100005:UpsampleParameter relu6_param:100006:ReLU6Parameter "
    "region_param:100007:RegionParameter region_yolo_param:100008:RegionParameter "
    "reorg_yolo_param:100009:ReorgParameter bn_param:100010:BNParameter "
    "shuffle_channel_param:100011:ShuffleChannelParameter focal_loss_param:100012:FocalLossParameter "
    "continuation_indicator_param:100013:ContinuationIndicatorParameter normalize_param:100014:NormalizeParameter"
)

LAYERS: dict[str, str] = {
    "LayerParameter": LAYER,
    "AccuracyParameter": "top_k:1:u=1 axis:2:i=1 ignore_label:3:i",
    "AnnotatedDataParameter": "batch_sampler:1:BatchSampler* label_map_file:2:s "
    "anno_type:3:AnnotatedDatum.AnnotationType",
    "ArgMaxParameter": "out_max_val:1:b=false top_k:2:u=1 axis:3:i",
    "BatchNormParameter": "use_global_stats:1:b moving_average_fraction:2:f=0.999 eps:3:f=1e-5 "
    "engine:4:Kernel.Engine=DEFAULT use_weight_bias:5:b=true bias_term:6:b=true filler:7:FillerParameter "
    "bias_filler:8:FillerParameter stats_batch_size:9:u=0 relu:10:b=false scale_bias:100001:b=false "
    "scale_filler:100002:FillerParameter",
    "BNParameter": "slope_filler:1:FillerParameter bias_filler:2:FillerParameter momentum:3:f=0.9 eps:4:f=1e-5 "
    "frozen:5:b=false engine:6:Kernel.Engine=DEFAULT bn_mode:100001:BNParameter.BNMode=LEARN",
    "BiasParameter": "axis:1:i=1 num_axes:2:i=1 filler:3:FillerParameter",
    "BoxAnnotatorOHEMParameter": "roi_per_img:1:u ignore_label:2:i=-1",
    "ClipParameter": "min:1:f max:2:f",
    "ConcatParameter": "concat_dim:1:u=1 axis:2:i=1 engine:3:Kernel.Engine=DEFAULT per_fla_fuse:4:b=false",
    "ContinuationIndicatorParameter": "time_step:1:u=0 batch_size:2:u=0",
    "ContrastiveLossParameter": "margin:1:f=1 legacy_version:2:b=false",
    "ConvolutionParameter": "num_output:1:u bias_term:2:b=true pad:3:u* kernel_size:4:u* group:5:u=1 stride:6:u* "
    "weight_filler:7:FillerParameter bias_filler:8:FillerParameter pad_h:9:u=0 pad_w:10:u=0 kernel_h:11:u "
    "kernel_w:12:u stride_h:13:u stride_w:14:u engine:15:Kernel.Engine=DEFAULT axis:16:i=1 force_nd_im2col:17:b=false "
    "dilation:18:u* relu:19:b=false negative_slope:20:f=0 conv_algorithm:21:s=direct coeff:23:f* "
    "fusion_type:24:ConvolutionParameter.FusionType=NONE_FUSION",
    "CropParameter": "axis:1:i=2 offset:2:u*",
    "DataParameter": "source:1:s scale:2:f=1 mean_file:3:s batch_size:4:u crop_size:5:u=0 mirror:6:b=false "
    "rand_skip:7:u=0 backend:8:DataParameter.DB=LEVELDB force_encoded_color:9:b=false prefetch:10:u=4 "
    "shuffle:11:b=false side:12:u*",
    "DetectionEvaluateParameter": "num_classes:1:u background_label_id:2:u=0 overlap_threshold:3:f=0.5 "
    "evaluate_difficult_gt:4:b=true name_size_file:5:s resize_param:6:ResizeParameter",
    "DetectionOutputParameter": "num_classes:1:u share_location:2:b=true background_label_id:3:i=0 "
    "nms_param:4:NonMaximumSuppressionParameter save_output_param:5:SaveOutputParameter "
    "code_type:6:PriorBoxParameter.CodeType=CORNER keep_top_k:7:i=-1 variance_encoded_in_target:8:b=false "
    "confidence_threshold:9:f visualize:10:b=false visualize_threshold:11:f save_file:12:s objectness_score:13:f=0.01",
    "DropoutParameter": "dropout_ratio:1:f=0.5 scale_train:100001:b=true",
    "DummyDataParameter": "data_filler:1:FillerParameter* num:2:u* channels:3:u* height:4:u* width:5:u* "
    "shape:6:BlobShape*",
    "ELUParameter": "alpha:1:f=1",
    "EltwiseParameter": "operation:1:EltwiseParameter.EltwiseOp=SUM coeff:2:f* stable_prod_grad:3:b=true "
    "engine:4:Kernel.Engine=DEFAULT",
    "EmbedParameter": "num_output:1:u input_dim:2:u bias_term:3:b=true weight_filler:4:FillerParameter "
    "bias_filler:5:FillerParameter",
    "EvalDetectionParameter": "side:1:u=7 num_class:2:u=20 num_object:3:u=2 threshold:4:f=0.5 sqrt:5:b=true "
    "constriant:6:b=true score_type:7:EvalDetectionParameter.ScoreType=MULTIPLY nms:8:f=-1 biases:9:f*",
    "ExpParameter": "base:1:f=-1 scale:2:f=1 shift:3:f=0",
    "FlattenParameter": "axis:1:i=1 end_axis:2:i=-1",
    "FocalLossParameter": "type:1:i alpha:2:f=0.25 gamma:3:f=2",
    "HDF5DataParameter": "source:1:s batch_size:2:u shuffle:3:b=false",
    "HDF5OutputParameter": "file_name:1:s",
    "HingeLossParameter": "norm:1:HingeLossParameter.Norm=L1",
    "ImageDataParameter": "source:1:s scale:2:f=1 mean_file:3:s batch_size:4:u=1 crop_size:5:u=0 mirror:6:b=false "
    "rand_skip:7:u=0 shuffle:8:b=false new_height:9:u=0 new_width:10:u=0 is_color:11:b=true root_folder:12:s "
    "min_height:13:u=0 min_width:14:u=0",
    "InfogainLossParameter": "source:1:s axis:2:i=1",
    "InnerProductParameter": "num_output:1:u bias_term:2:b=true weight_filler:3:FillerParameter "
    "bias_filler:4:FillerParameter axis:5:i=1 transpose:6:b=false engine:7:Kernel.Engine=DEFAULT relu:8:b=false "
    "negative_slope:9:f=0",
    "InputParameter": "shape:1:BlobShape*",
    "InterpParameter": "height:1:i=0 width:2:i=0 zoom_factor:3:i=1 shrink_factor:4:i=1 pad_beg:5:i=0 pad_end:6:i=0",
    "LRNParameter": "local_size:1:u=5 alpha:2:f=1 beta:3:f=0.75 norm_region:4:LRNParameter.NormRegion=ACROSS_CHANNELS "
    "k:5:f=1 engine:6:Kernel.Engine=DEFAULT",
    "LayerMultinode": "num_nodes:1:u model_parts:2:u=1",
    "LogParameter": "base:1:f=-1 scale:2:f=1 shift:3:f=0",
    "LossParameter": "ignore_label:1:i normalize:2:b normalization:3:LossParameter.NormalizationMode=VALID "
    "pre_fixed_normalizer:4:f=1 label_smoothing:5:f=0",
    "MVNParameter": "normalize_variance:1:b=true across_channels:2:b=false eps:3:f=1e-9",
    "MemoryDataParameter": "batch_size:1:u channels:2:u height:3:u width:4:u",
    "MnActivation": "num_nodes_in:1:u num_nodes_out:2:u model_parts_in:3:u=1 model_parts_out:4:u=1 "
    "need_reduce:5:b=true",
    "MnGradCompress": "param_grad_compress_enable:1:b*",
    "MultiBoxLossParameter": "loc_loss_type:1:MultiBoxLossParameter.LocLossType=SMOOTH_L1 "
    "conf_loss_type:2:MultiBoxLossParameter.ConfLossType=SOFTMAX loc_weight:3:f=1 num_classes:4:u "
    "share_location:5:b=true match_type:6:MultiBoxLossParameter.MatchType=PER_PREDICTION overlap_threshold:7:f=0.5 "
    "use_prior_for_matching:8:b=true background_label_id:9:u=0 use_difficult_gt:10:b=true do_neg_mining:11:b "
    "neg_pos_ratio:12:f=3 neg_overlap:13:f=0.5 code_type:14:PriorBoxParameter.CodeType=CORNER "
    "encode_variance_in_target:16:b=false map_object_to_agnostic:17:b=false ignore_cross_boundary_bbox:18:b=false "
    "bp_inside:19:b=false mining_type:20:MultiBoxLossParameter.MiningType=MAX_NEGATIVE "
    "nms_param:21:NonMaximumSuppressionParameter sample_size:22:i=64 use_prior_for_nms:23:b=false "
    "objectness_score:24:f=0.01",
    "NonMaximumSuppressionParameter": "nms_threshold:1:f=0.3 top_k:2:i eta:3:f=1",
    "NormalizeParameter": "across_spatial:1:b=true scale_filler:2:FillerParameter channel_shared:3:b=true "
    "eps:4:f=1e-10",
    "PReLUParameter": "filler:1:FillerParameter channel_shared:2:b=false",
    "PSROIPoolingParameter": "spatial_scale:1:f output_dim:2:i group_size:3:i",
    "ParameterParameter": "shape:1:BlobShape",
    "PermuteParameter": "order:1:u*",
    "PoolingParameter": "pool:1:PoolingParameter.PoolMethod=MAX kernel_size:2:u stride:3:u=1 pad:4:u=0 kernel_h:5:u "
    "kernel_w:6:u stride_h:7:u stride_w:8:u pad_h:9:u=0 pad_w:10:u=0 engine:11:Kernel.Engine=DEFAULT "
    "global_pooling:12:b=false avg_include_pad:13:b=true axis:14:i=1 pad_3d:15:u* kernel_size_3d:16:u* "
    "stride_3d:17:u* round_mode:100001:PoolingParameter.RoundMode=CEIL ceil_mode:100002:b=true",
    "PowerParameter": "power:1:f=1 scale:2:f=1 shift:3:f=0",
    "PriorBoxParameter": "min_size:1:f* max_size:2:f* aspect_ratio:3:f* flip:4:b=true clip:5:b=false variance:6:f* "
    "img_size:7:u img_h:8:u img_w:9:u step:10:f step_h:11:f step_w:12:f offset:13:f=0.5",
    "ProposalParameter": "feat_stride:1:u=16 base_size:2:u=16 min_size:3:u=16 ratio:4:f* scale:5:f* "
    "pre_nms_topn:6:u=6000 post_nms_topn:7:u=300 nms_thresh:8:f=0.7",
    "PythonParameter": "module:1:s layer:2:s param_str:3:s share_in_parallel:4:b=false",
    "QuantizationParameter": "precision:1:QuantizationParameter.Precision=DYNAMIC_FIXED_POINT "
    "rounding_scheme:2:QuantizationParameter.Rounding=NEAREST bw_layer_in:3:u=32 bw_layer_out:4:u=32 bw_params:5:u=32 "
    "fl_layer_in:6:i* fl_layer_out:7:i* fl_params:8:i* scale_in:20:f* scale_out:21:f* scale_params:22:f* "
    "is_negative_input:23:b=false force_u8_input:24:b=false",
    "ROIPoolingParameter": "pooled_h:1:u=0 pooled_w:2:u=0 spatial_scale:3:f=1 pooled_size:4:u*",
    "ReLU6Parameter": "threshold:1:f=6 negative_slope:2:f=0 engine:3:Kernel.Engine=DEFAULT",
    "ReLUParameter": "negative_slope:1:f=0 engine:2:Kernel.Engine=DEFAULT fuse:3:b=false",
    "RecurrentParameter": "num_output:1:u=0 weight_filler:2:FillerParameter bias_filler:3:FillerParameter "
    "debug_info:4:b=false expose_hidden:5:b=false",
    "ReductionParameter": "operation:1:ReductionParameter.ReductionOp=SUM axis:2:i=0 coeff:3:f=1",
    "RegionLossParameter": "side:1:u=13 num_class:2:u=20 bias_match:3:u=1 coords:4:u=4 num:5:u=5 softmax:6:u=1 "
    "jitter:7:f=0.2 rescore:8:u=1 object_scale:9:f=1 class_scale:10:f=1 noobject_scale:11:f=0.5 coord_scale:12:f=5 "
    "absolute:13:u=1 thresh:14:f=0.2 random:15:u=1 biases:16:f* softmax_tree:17:s class_map:18:s",
    "RegionParameter": "coords:1:i=4 classes:2:i=20 num:3:i=5 do_softmax:4:b=true anchors:5:f* mask:6:i* axis:7:i=1 "
    "end_axis:8:i=-1",
    "ReorgParameter": "stride:1:u reverse:2:b=false",
    "ReshapeParameter": "shape:1:BlobShape axis:2:i=0 num_axes:3:i=-1 pixelshuffler:4:i=1",
    "SPPParameter": "pyramid_height:1:u pool:2:PoolingParameter.PoolMethod=MAX engine:6:Kernel.Engine=DEFAULT",
    "SaveOutputParameter": "output_directory:1:s output_name_prefix:2:s output_format:3:s label_map_file:4:s "
    "name_size_file:5:s num_test_image:6:u resize_param:7:ResizeParameter",
    "ScaleParameter": "axis:1:i=1 num_axes:2:i=1 filler:3:FillerParameter bias_term:4:b=false "
    "bias_filler:5:FillerParameter",
    "ShuffleChannelParameter": "group:1:u=1",
    "SigmoidParameter": "engine:1:Kernel.Engine=DEFAULT",
    "SliceParameter": "slice_dim:1:u=1 slice_point:2:u* axis:3:i=1",
    "SmoothL1LossParameter": "sigma:1:f=1",
    "SoftmaxParameter": "engine:1:Kernel.Engine=DEFAULT axis:2:i=1",
    "SplitParameter": "engine:1:Kernel.Engine=DEFAULT",
    "SwishParameter": "beta:1:f=1",
    "TanHParameter": "engine:1:Kernel.Engine=DEFAULT",
    "ThresholdParameter": "threshold:1:f=0",
    "TileParameter": "axis:1:i=1 tiles:2:i",
    "UpsampleParameter": "scale:1:u=2 scale_h:2:u scale_w:3:u pad_out_h:4:b=false pad_out_w:5:b=false upsample_h:6:u "
    "upsample_w:7:u",
    "VideoDataParameter": "video_type:1:VideoDataParameter.VideoType=WEBCAM device_id:2:i=0 video_file:3:s "
    "skip_frames:4:u=0",
    "WindowDataParameter": "source:1:s scale:2:f=1 mean_file:3:s batch_size:4:u crop_size:5:u=0 mirror:6:b=false "
    "fg_threshold:7:f=0.5 bg_threshold:8:f=0.5 fg_fraction:9:f=0.25 context_pad:10:u=0 crop_mode:11:s=warp "
    "cache_images:12:b=false root_folder:13:s",
}

OLDER_LAYERS: dict[str, str] = {
    "V1LayerParameter": "layer:1:V0LayerParameter bottom:2:s* top:3:s* name:4:s type:5:V1LayerParameter.LayerType "
    "blobs:6:BlobProto* blobs_lr:7:f* weight_decay:8:f* concat_param:9:ConcatParameter "
    "convolution_param:10:ConvolutionParameter data_param:11:DataParameter dropout_param:12:DropoutParameter "
    "hdf5_data_param:13:HDF5DataParameter hdf5_output_param:14:HDF5OutputParameter "
    "image_data_param:15:ImageDataParameter infogain_loss_param:16:InfogainLossParameter "
    "inner_product_param:17:InnerProductParameter lrn_param:18:LRNParameter pooling_param:19:PoolingParameter "
    "window_data_param:20:WindowDataParameter power_param:21:PowerParameter memory_data_param:22:MemoryDataParameter "
    "argmax_param:23:ArgMaxParameter eltwise_param:24:EltwiseParameter threshold_param:25:ThresholdParameter "
    "dummy_data_param:26:DummyDataParameter accuracy_param:27:AccuracyParameter "
    "hinge_loss_param:29:HingeLossParameter relu_param:30:ReLUParameter slice_param:31:SliceParameter "
    "include:32:NetStateRule* exclude:33:NetStateRule* mvn_param:34:MVNParameter loss_weight:35:f* "
    "transform_param:36:TransformationParameter tanh_param:37:TanHParameter sigmoid_param:38:SigmoidParameter "
    "softmax_param:39:SoftmaxParameter contrastive_loss_param:40:ContrastiveLossParameter exp_param:41:ExpParameter "
    "loss_param:42:LossParameter param:1001:s* blob_share_mode:1002:ParamSpec.DimCheckMode*",
    "V0LayerParameter": "name:1:s type:2:s num_output:3:u biasterm:4:b=true weight_filler:5:FillerParameter "
    "bias_filler:6:FillerParameter pad:7:u=0 kernelsize:8:u group:9:u=1 stride:10:u=1 "
    "pool:11:PoolingParameter.PoolMethod=MAX dropout_ratio:12:f=0.5 local_size:13:u=5 alpha:14:f=1 beta:15:f=0.75 "
    "source:16:s scale:17:f=1 meanfile:18:s batchsize:19:u cropsize:20:u=0 mirror:21:b=false k:22:f=1 "
    "blobs:50:BlobProto* blobs_lr:51:f* weight_decay:52:f* rand_skip:53:u=0 det_fg_threshold:54:f=0.5 "
    "det_bg_threshold:55:f=0.5 det_fg_fraction:56:f=0.25 det_context_pad:58:u=0 det_crop_mode:59:s=warp "
    "new_num:60:i=0 new_channels:61:i=0 new_height:62:i=0 new_width:63:i=0 shuffle_images:64:b=false "
    "concat_dim:65:u=1 hdf5_output_param:1001:HDF5OutputParameter",
}
