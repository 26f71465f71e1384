"""How good a model is: metrics, agreement and error against FP32."""
